import { suggestion } from '../kernel/index.ts';

/**
 * Templates of what applications answer: text with placeholders, each of which stands for something of the request.
 * `{{header.x}}` is a header of it by its name; the rest are in this table.
 */
export const PLACEHOLDERS = {
  method: 'the method',
  path: 'what follows the service in the path, as it came',
  query: 'what follows the question mark, as it came',
  bytes: 'how many bytes the body has',
  body: 'the body, as it came',
  request: "the request's number",
  pod: 'the pod that answers',
  n: 'which piece of the answer it is, from 1',
} as const;

/** What the text in which an application tells its metrics may have: the pod, and the requests at work and waiting there. */
export const METRIC_PLACEHOLDERS = ['pod', 'running', 'waiting'] as const;

export type PlaceholderName = keyof typeof PLACEHOLDERS | (typeof METRIC_PLACEHOLDERS)[number];

const HEADER = 'header.';
const PLACEHOLDER = /\{\{\s*(.*?)\s*\}\}/g;

/** What a template is made of, in order: text, and what stands for something else. */
export type TemplatePart =
  | { readonly text: string }
  | { readonly placeholder: PlaceholderName }
  /** Its name in lower case. */
  | { readonly header: string };

export function templateParts(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let end = 0;
  for (const found of template.matchAll(PLACEHOLDER)) {
    if (found.index > end) parts.push({ text: template.slice(end, found.index) });
    const name = found[1]!;
    parts.push(
      name.startsWith(HEADER)
        ? { header: name.slice(HEADER.length).toLowerCase() }
        : { placeholder: name as PlaceholderName },
    );
    end = found.index + found[0].length;
  }
  if (end < template.length) parts.push({ text: template.slice(end) });
  return parts;
}

/** What is wrong with a template; undefined when nothing is. @param names of the placeholders that it may have */
export function templateProblem(
  template: string,
  names: readonly string[] = [...Object.keys(PLACEHOLDERS), `${HEADER}NAME`],
): string | undefined {
  for (const [, name = ''] of template.matchAll(PLACEHOLDER)) {
    const header = name.startsWith(HEADER) && name.length > HEADER.length;
    if (header ? names.includes(`${HEADER}NAME`) : names.includes(name)) continue;
    return `unknown placeholder "{{${name}}}"${suggestion(name, names)}`;
  }
  return undefined;
}
