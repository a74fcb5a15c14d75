/** Pages that need nothing else, not even a network: report.html, and what `pgrehearse serve` shows. */
import { Marked } from 'marked';
import type { RunResult } from '../result.ts';
import { escapeHtml } from './html-text.ts';
import { renderMarkdown } from './markdown.ts';

/** What a page may do: show itself, and send its own form to where it came from. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'";

/** Renders a result as a page: the sections of report.md with its charts in place, and a list of sections to go to. */
export async function renderHtml(result: RunResult): Promise<string> {
  const { markdown, files } = await renderMarkdown(result);
  return renderPage(result.scenario.title, markdown, files);
}

/** A page of Markdown that was written by this program: text from outside must have been escaped in it. */
export function renderPage(title: string, markdown: string, files: Record<string, string> = {}): string {
  const sections: Section[] = [];
  const body = rendererOf(files, sections).parse(markdown, { async: false });
  return page(title, contents(sections), body);
}

/** The frame of every page; navigation and body are HTML. */
export function page(title: string, navigation: string, body: string): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<title>${escapeHtml(title)}: pgrehearse</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    '<a class="skip" href="#report">To the report</a>',
    navigation,
    `<main id="report">${body}</main>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

interface Section {
  id: string;
  html: string;
}

/** Markdown of ours only: text from outside was escaped when it was written. */
function rendererOf(files: Record<string, string>, sections: Section[]): Marked {
  return new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens);
        if (depth !== 2) return `<h${depth}>${html}</h${depth}>\n`;
        const id = `section-${sections.length + 1}`;
        sections.push({ id, html });
        return `<h2 id="${id}">${html}</h2>\n`;
      },
      image({ href, text }) {
        const svg = files[href];
        // A picture for eyes; its text says what it shows, and the tables have its figures.
        return svg === undefined ? '' : `<span class="chart" role="img" aria-label="${escapeHtml(text)}">${svg}</span>`;
      },
      table({ header, rows }) {
        const cells = (tag: 'th' | 'td', row: typeof header): string =>
          row
            .map(({ tokens, align }, at) => {
              const rowHeading = tag === 'td' && at === 0;
              const name = rowHeading ? 'th scope="row"' : tag === 'th' ? 'th scope="col"' : 'td';
              const side = align === 'right' ? ' class="figure"' : '';
              return `<${name}${side}>${this.parser.parseInline(tokens)}</${rowHeading ? 'th' : tag}>`;
            })
            .join('');
        const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n');
        return `<div class="table" tabindex="0" role="region" aria-label="table"><table>\n<thead><tr>${cells('th', header)}</tr></thead>\n<tbody>${body}</tbody></table></div>\n`;
      },
    },
  });
}

function contents(sections: readonly Section[]): string {
  if (sections.length === 0) return '';
  const items = sections.map(({ id, html }) => `<li><a href="#${id}">${html}</a></li>`);
  return `<nav aria-label="Sections"><ul>${items.join('')}</ul></nav>`;
}

const light = '--ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --ground: #ffffff; --head: #f6f8fa; --link: #0550ae;';

/**
 * Light or dark as the reader's system is; tables scroll by themselves. Printed on light ground, unfolded, without the list of sections:
 * paper cannot be opened or scrolled.
 */
const style = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --ground: #0d1117; --head: #151b23; --link: #6cb6ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
nav { position: sticky; top: 0; z-index: 1; background: var(--head); border-bottom: 1px solid var(--line); overflow-x: auto; }
nav ul { display: flex; gap: 1.25rem; list-style: none; max-width: 1100px; margin: 0 auto; padding: .6rem 1.25rem; white-space: nowrap; }
a { color: var(--link); }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: .5rem; z-index: 2; background: var(--ground); padding: .25rem .5rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.7rem; line-height: 1.25; }
h2 { font-size: 1.25rem; margin-top: 2.5rem; scroll-margin-top: 3.5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid var(--line); padding: .35rem .65rem; text-align: left; vertical-align: top; font-weight: normal; }
thead th { background: var(--head); font-weight: 600; }
.figure { text-align: right; white-space: nowrap; }
.chart { display: block; margin: 1.5rem 0; overflow-x: auto; }
.chart svg { max-width: 100%; height: auto; }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--soft); }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--head); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; overflow-x: auto; }
@media print {
  :root { color-scheme: light; ${light} }
  nav, .skip { display: none; }
  main { max-width: none; padding: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
  h2, summary { break-after: avoid; }
  tr, .chart { break-inside: avoid; }
  .table, .chart, pre { overflow: visible; }
  table { font-size: 10px; }
  pre { white-space: pre-wrap; }
}
`;
