/** Text with formulas: TeX between dollar signs becomes MathML, which browsers draw without any font or script of ours. */
import katex from 'katex';
import { escapeMarkup } from '../../src/plot/page.ts';

/**
 * One line of text as HTML: `$…$` is a formula, `$$…$$` one on a line of its own, `` `…` `` is code.
 * @throws ParseError of KaTeX for a formula that is none.
 */
export const inline = (text: string): string =>
  text
    .split(/(\$\$[^$]+\$\$|\$[^$]+\$|`[^`]+`)/)
    .map((part) => {
      if (part.startsWith('`') && part.length > 1) return `<code>${escapeMarkup(part.slice(1, -1))}</code>`;
      const display = part.startsWith('$$');
      if (!part.startsWith('$') || part.length < 3) return escapeMarkup(part);
      const tex = part.slice(display ? 2 : 1, display ? -2 : -1);
      return katex.renderToString(tex, { output: 'mathml', displayMode: display, strict: false });
    })
    .join('');

/** Paragraphs, parted by empty lines. */
export const paragraphs = (text: string): string =>
  text
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => `<p>${inline(paragraph.trim())}</p>`)
    .join('\n');
