/** Pages that hold all they need. */

/** Text inside markup. */
export const escapeMarkup = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** JSON inside a script element: without the characters that could end it. */
export const scriptJSON = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A program inside a script element. `<\/` means the same as `</` in every string and pattern that JavaScript has. */
export const scriptSource = (source: string): string =>
  source.replaceAll(/<\/(script)/gi, '<\\/$1').replaceAll('<!--', '<\\!--');

/** The only scripts and styles are those in the page, and nothing may be fetched. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:";

/** A page with a body that loads nothing. */
export const offlinePage = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width">
<title>${escapeMarkup(title)}</title>
<style>body { margin: 1rem; background: #fff; font-family: system-ui, sans-serif; } svg { max-width: 100%; height: auto; }</style>
</head>
<body>
${body}
</body>
</html>
`;

/** A page that draws one figure. */
export function figurePage(figure: { layout: Record<string, unknown> }, plotly: string): string {
  const title = (figure.layout.title as { text?: string } | undefined)?.text ?? 'Figure';
  return offlinePage(
    title,
    `<div id="figure"></div>
<script>${scriptSource(plotly)}</script>
<script>Plotly.newPlot('figure', ${scriptJSON(figure)});</script>`,
  );
}
