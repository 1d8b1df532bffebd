/** The gallery as a page: what every example is about, its figures, its pictures, its code. */
import { readFileSync } from 'node:fs';
import { escapeMarkup, scriptJSON } from '../../src/plot/page.ts';
import type { Cell } from '../worked/example.ts';
import type { Broken, Found } from './collect.ts';
import { inline, paragraphs } from './formulas.ts';
import type { Entry, Line, Outcome } from './record.ts';
import { digits, offBy, summary } from './terminal.ts';

/** An example and what came of it. */
export interface Shown {
  found: Found;
  outcome: Outcome;
}

const asset = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

const GROUPS: Readonly<Record<string, string>> = {
  A: 'Limits, derivatives, integrals',
  B: 'Optimisation',
  C: 'From the chain rule to training',
};

const mark = (holds: boolean): string => (holds ? '<span class="right">✓</span>' : '<span class="wrong">✗</span>');

function lineRow({ label, values, holds }: Line): string {
  const cells =
    values === null
      ? '<td></td><td></td><td></td>'
      : `<td class="number">${digits(values.got)}</td><td class="number">${digits(values.expected)}</td><td>${offBy(values)}, allowed ${values.allowed}</td>`;
  return `<tr><td>${mark(holds)}</td><td>${inline(label)}</td>${cells}</tr>`;
}

const figuresTable = (lines: readonly Line[]): string => {
  const head = lines.some(({ values }) => values !== null)
    ? '<thead><tr><th></th><th></th><th>computed</th><th>expected</th><th>difference</th></tr></thead>'
    : '';
  return `<table class="figures">${head}<tbody>${lines.map(lineRow).join('\n')}</tbody></table>`;
};

const cell = (value: Cell): string =>
  typeof value === 'number' ? `<td class="number">${digits(value)}</td>` : `<td>${inline(value)}</td>`;

function entryHTML(entry: Entry, id: string): string {
  switch (entry.kind) {
    case 'line':
      return figuresTable([entry]);
    case 'note':
      return paragraphs(entry.text);
    case 'table': {
      const head = entry.head.map((name) => `<th>${inline(name)}</th>`).join('');
      const rows = entry.rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
      return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
    }
    case 'picture': {
      const { picture } = entry;
      const caption = `<figcaption>${inline(entry.caption)}</figcaption>`;
      if (picture.kind === 'svg')
        return `<figure class="picture"><div class="wide">${picture.svg}</div>${caption}</figure>`;
      const kind = picture.needsWebGL ? 'plot webgl' : 'plot';
      return `<figure class="picture"><div class="${kind}" id="${id}" style="min-height:${picture.height}px"></div>${caption}
<script type="application/json" id="${id}-data">${scriptJSON(JSON.parse(picture.json))}</script></figure>`;
    }
  }
}

/** Figures that follow one another share a table. */
function entriesHTML(entries: readonly Entry[], id: string): string {
  const parts: string[] = [];
  let lines: Line[] = [];
  const flush = () => {
    if (lines.length > 0) parts.push(figuresTable(lines));
    lines = [];
  };
  for (const [i, entry] of entries.entries()) {
    if (entry.kind === 'line') lines.push(entry);
    else {
      flush();
      parts.push(entryHTML(entry, `${id}-${i}`));
    }
  }
  flush();
  return parts.join('\n');
}

/** The name of the i-th entry of an example when it is a picture, as a file and on the page. */
export const pictureName = (id: string, i: number): string => `${id}-${i}`;

function section({ found: { example, file, code }, outcome }: Shown): string {
  const failure =
    outcome.failure === null ? '' : `<pre class="failure">It threw: ${escapeMarkup(outcome.failure)}</pre>`;
  return `<section id="${example.id}">
<h3>${mark(outcome.passed)} <span class="id">${example.id}</span> ${inline(example.title)}</h3>
${paragraphs(example.text)}
${entriesHTML(outcome.entries, example.id)}
${failure}
<details><summary>examples/worked/${escapeMarkup(file)}</summary><pre><code>${escapeMarkup(code)}</code></pre></details>
</section>`;
}

/** A page on which nothing is loaded but `plotly.min.js` beside it. */
export function galleryPage(
  shown: readonly Shown[],
  broken: readonly Broken[],
  backend: string,
  seconds: number,
): string {
  const groups = Object.entries(GROUPS)
    .map(([letter, name]) => ({
      letter,
      name,
      members: shown.filter(({ found }) => found.example.id.startsWith(letter)),
    }))
    .filter(({ members }) => members.length > 0);
  const links = groups.map(({ letter, name, members }) => {
    const items = members.map(
      ({ found: { example }, outcome }) =>
        `<li><a href="#${example.id}">${mark(outcome.passed)} <b>${example.id}</b> ${inline(example.title)}</a></li>`,
    );
    return `<h2><a href="#group-${letter}">${letter}. ${name}</a></h2><ul>${items.join('\n')}</ul>`;
  });
  const failures = broken.map(
    ({ file, reason }) => `<pre class="failure">${escapeMarkup(`${file} could not be loaded: ${reason}`)}</pre>`,
  );
  const outcomes = shown.map(({ outcome }) => outcome);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>cotangent: worked examples</title>
<style>${asset('page.css')}</style>
</head>
<body>
<nav>${links.join('\n')}</nav>
<main>
<h1>Worked examples</h1>
<p>Computed by cotangent on the backend <b>${backend}</b> in ${seconds.toFixed(0)} s: ${summary(outcomes, broken)}.</p>
${failures.join('\n')}
${groups.map(({ letter, name, members }) => `<h2 id="group-${letter}">${letter}. ${name}</h2>\n${members.map(section).join('\n')}`).join('\n')}
</main>
<script src="plotly.min.js"></script>
<script>${asset('page.js')}</script>
</body>
</html>
`;
}
