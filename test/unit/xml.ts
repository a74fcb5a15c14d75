/** Faults in the form of an XML text: enough of XML 1.0 to judge what a chart writer may get wrong. */
export function xmlFaults(xml: string): string[] {
  const faults: string[] = [];
  const open: string[] = [];
  let end = 0;
  for (const match of xml.matchAll(
    /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<(\/?)([A-Za-z][\w:.-]*)((?:[^<>"']|"[^"<]*"|'[^'<]*')*?)(\/?)>/g,
  )) {
    faults.push(...textFaults(xml.slice(end, match.index), open.length > 0));
    end = match.index + match[0].length;
    const [, closing, name, attributes = '', empty] = match;
    if (name === undefined) continue;
    if (closing) {
      const expected = open.pop();
      if (expected !== name) faults.push(`</${name}> closes <${expected ?? 'nothing'}>`);
      continue;
    }
    faults.push(...attributeFaults(name, attributes));
    if (!empty) open.push(name);
  }
  faults.push(...textFaults(xml.slice(end), false));
  return [...faults, ...open.map((name) => `<${name}> is never closed`)];
}

function textFaults(text: string, inside: boolean): string[] {
  const faults: string[] = [];
  if (!inside && text.trim() !== '') faults.push(`text outside of elements: ${text.slice(0, 40)}`);
  if (/[<>]/.test(text)) faults.push(`bare bracket: ${text.slice(0, 80)}`);
  if (/&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-f]+);)/i.test(text)) faults.push(`bare ampersand: ${text.slice(0, 80)}`);
  // Not characters of XML 1.0.
  if (/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(text))
    faults.push(`forbidden character: ${text.slice(0, 80)}`);
  return faults;
}

function attributeFaults(element: string, attributes: string): string[] {
  const names = [...attributes.matchAll(/\s([\w:.-]+)\s*=\s*("[^"]*"|'[^']*')/g)].map(([, name]) => name!);
  const rest = attributes.replace(/\s[\w:.-]+\s*=\s*("[^"]*"|'[^']*')/g, '').trim();
  const faults = rest === '' ? [] : [`<${element}> has something that is no attribute: ${rest.slice(0, 40)}`];
  if (new Set(names).size !== names.length) faults.push(`<${element}> has an attribute twice`);
  return [...faults, ...textFaults(attributes.replaceAll(/[<>]/g, ''), true)];
}
