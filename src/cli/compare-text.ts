import { styleText } from 'node:util';
import { formatDuration, fromSeconds } from '../kernel/index.ts';
import type { Comparison } from './compare.ts';
import type { ComparedService } from './compare-targets.ts';

/** Narrower columns are put one below the other. */
const LEAST_COLUMN = 28;
const GAP = ' | ';
/** The prompt is repeated up to here. */
const PROMPT_SHOWN = 60;

/** A comparison for people: the figures as a table, then the answers, side by side where there is room. */
export function comparisonText({ prompt, lab, services }: Comparison, width: number, colour: boolean): string {
  const bold = (text: string): string => (colour ? styleText('bold', text) : text);
  const asked = clean(prompt).replace(/\s+/g, ' ').trim();
  const shown = asked.length > PROMPT_SHOWN ? `${asked.slice(0, PROMPT_SHOWN)}…` : asked;
  const when =
    lab === undefined
      ? ''
      : `${lab.scenario}  seed ${lab.seed}, asked at ${formatDuration(fromSeconds(lab.simulatedSeconds))} of simulated time\n`;
  const [heading, ...rows] = tableLines(services);
  const lines = [`${when}prompt  ${shown}`, '', bold(heading!), ...rows, '', ...answerLines(services, width, bold)];
  return `${lines.join('\n')}\n`;
}

/** The columns of the table after the name; the last one is as long as it needs to be. */
const COLUMNS: readonly (readonly [string, (service: ComparedService) => string])[] = [
  ['HTTP', ({ httpStatus }) => String(httpStatus ?? '-')],
  ['TTFT ms', ({ ttftMs }) => figure(ttftMs)],
  ['TPOT ms', ({ tpotMs }) => figure(tpotMs)],
  ['E2E ms', ({ e2eMs }) => figure(e2eMs)],
  ['tokens', ({ outputTokens }) => String(outputTokens ?? '-')],
  ['tokens/s', ({ tokensPerSecond }) => figure(tokensPerSecond)],
];

function tableLines(services: readonly ComparedService[]): string[] {
  const rows = [
    ['service', ...COLUMNS.map(([name]) => name), 'end'],
    ...services.map((service) => [clean(service.name), ...COLUMNS.map(([, cell]) => cell(service)), endOf(service)]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column]!))));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const space = ' '.repeat(widths[column]! - widthOf(cell));
        if (column === row.length - 1) return cell;
        return column === 0 ? cell + space : space + cell;
      })
      .join('  '),
  );
}

/** How it ended: the finish reason, or what went wrong. */
function endOf({ finishReason, failure }: ComparedService): string {
  if (failure === null) return finishReason ?? '-';
  const words = failure.kind === 'not-asked' ? 'not asked' : failure.kind;
  return `${words}: ${clean(failure.message).replaceAll('\n', ' ')}`;
}

function answerLines(services: readonly ComparedService[], width: number, bold: (text: string) => string): string[] {
  const spoke = services.filter(({ text, reasoning }) => text !== '' || reasoning !== '');
  if (spoke.length === 0) return [];
  const column = Math.floor((width - GAP.length * (spoke.length - 1)) / spoke.length);
  if (column < LEAST_COLUMN) {
    const whole = Math.max(width, LEAST_COLUMN);
    return spoke.flatMap((service) => [bold(clean(service.name)), ...wrap(textOf(service), whole), '']).slice(0, -1);
  }
  const pages = spoke.map((service) => [...wrap(clean(service.name), column), ...wrap(textOf(service), column)]);
  const height = Math.max(...pages.map((page) => page.length));
  return Array.from({ length: height }, (_, line) => {
    const cells = pages.map((page) => page[line] ?? '');
    const text = cells.map((cell) => cell + ' '.repeat(column - widthOf(cell))).join(GAP);
    return line === 0 ? bold(text.trimEnd()) : text.trimEnd();
  });
}

function textOf({ text, reasoning }: ComparedService): string {
  const thought = reasoning === '' ? '' : `(${reasoning.trim()})\n`;
  return clean(thought + text).trim();
}

/** Breaks text into lines of at most `width` cells: between words where that goes, within those that are longer. */
function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      let rest = word;
      const joined = line === '' ? rest : `${line} ${rest}`;
      if (widthOf(joined) <= width) {
        line = joined;
        continue;
      }
      if (line !== '') lines.push(line);
      for (let head = fitting(rest, width); head.length < rest.length; head = fitting(rest, width)) {
        lines.push(head);
        rest = rest.slice(head.length);
      }
      line = rest;
    }
    return [...lines, line];
  });
}

/** As much of the beginning of a word as `width` cells hold, one character at least. */
function fitting(word: string, width: number): string {
  let head = '';
  let cells = 0;
  for (const character of word) {
    cells += widthOf(character);
    if (cells > width && head !== '') break;
    head += character;
  }
  return head;
}

const WIDE = /[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{Emoji_Presentation}\u3000-\u303f\uff00-\uff60]/u;
const NO_CELL = /[\p{Mark}\p{Cf}]/u;

/** Cells of a terminal that text takes: two for East Asian characters and pictures, none for marks. */
function widthOf(text: string): number {
  let cells = 0;
  for (const character of text) cells += NO_CELL.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return cells;
}

/** What a server says cannot move a person's cursor. */
function clean(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n]/gu, ' ');
}

function figure(value: number | null): string {
  return value === null ? '-' : value.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}
