import { styleText } from 'node:util';
import {
  type Bar,
  type Comparison,
  type FidelityFigures,
  type FidelityReport,
  figuresOf,
  heldOutMape,
  NOT_COVERED,
  OUTLIERS,
  PEERS,
  type Regression,
} from '../fidelity/index.ts';

type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

/** Placements shown of a search. */
const PLACEMENTS_SHOWN = 4;
/** Regressions shown; the rest are counted. */
const REGRESSIONS_SHOWN = 20;
/** Columns of prose. */
const WIDTH = 110;

/** @param colour with the terminal's colours */
export function fidelityText(report: FidelityReport, colour = false): string {
  const paint: Paint = (style, text) => (colour ? styleText(style, text) : text);
  const heading = (text: string): string => paint('bold', text);
  const lines: string[] = [];
  const tables = new Set(report.figures.map(({ table }) => table));
  for (const table of tables) {
    const figures = report.figures.filter((figure) => figure.table === table);
    const rows = report.comparisons.filter((row) => row.table === table);
    lines.push(heading(table), ...tableLines(figures, rows, paint), '');
  }
  for (const { lengths, placements } of report.searches) {
    lines.push(
      heading(`DistServe placements, ${lengths}`),
      ...table(placements.slice(0, PLACEMENTS_SHOWN).map(placementRow)),
      '',
    );
  }
  if (report.bars.length > 0) {
    lines.push(
      heading('bars (replayed: rows that the fits have seen; held out: the fits’ own, over rows they had not)'),
      ...table(report.bars.map((bar) => barRow(bar, paint))),
      '',
    );
  }
  if (report.predictions.length > 0) {
    lines.push(heading('predictions, which nobody has compared yet'));
    for (const { name, assumptions, ttftMs, tpotMs, e2eMs, outputTokensPerSecond } of report.predictions) {
      lines.push(
        `  ${name}`,
        `    TTFT ${ttftMs.toFixed(1)} ms, TPOT ${tpotMs.toFixed(2)} ms, E2E ${e2eMs.toFixed(0)} ms, ${outputTokensPerSecond.toFixed(0)} output tokens/s`,
        `    assumed: ${assumptions}`,
      );
    }
    lines.push('');
  }
  const unknown = unknownLines(report.comparisons);
  if (unknown.length > 0) lines.push(heading('configuration unknown, by reason'), ...unknown, '');
  if (tables.has('silicon')) lines.push(heading('outliers'), ...OUTLIERS.flatMap((text) => wrapped(text)), '');
  lines.push(heading('what others report of themselves'), ...table(PEERS.map(peerRow)), '');
  lines.push(heading('not covered'), ...NOT_COVERED.flatMap((text) => wrapped(text)), '');
  return lines.join('\n');
}

/** How a run stands against the baseline, for standard error. */
export function regressionText(worse: readonly Regression[], compared: number): string {
  if (worse.length === 0) return `fidelity: none of ${compared} figures is worse than the baseline`;
  const shown = worse.slice(0, REGRESSIONS_SHOWN).map(({ table: name, group, metric, n, mape, now, nowN }) => {
    const found = now === undefined ? `${nowN} rows of ${n}` : `${now.toFixed(2)} %, was ${mape.toFixed(2)} %`;
    return `  ${name}: ${group}: ${metric}: ${found}`;
  });
  const more = worse.length > shown.length ? [`  and ${worse.length - shown.length} more`] : [];
  return [`fidelity: ${worse.length} of ${compared} figures are worse than the baseline`, ...shown, ...more].join('\n');
}

/** Rows that rest on an assumption, by what the table leaves out. */
function unknownLines(rows: readonly Comparison[]): string[] {
  const reasons = [...new Set(rows.flatMap(({ unknown }) => (unknown === undefined ? [] : [unknown])))].sort();
  return table(
    reasons.map((reason) => {
      const some = rows.filter(({ unknown }) => unknown === reason);
      const tpot = figuresOf('', '', some).find(({ metric }) => metric === 'tpot');
      const error =
        tpot === undefined ? 'not predicted' : `TPOT MAPE ${tpot.mape.toFixed(1)}, median ${tpot.medianApe.toFixed(1)}`;
      return [reason, `n ${some.length}`, error];
    }),
  );
}

function tableLines(figures: readonly FidelityFigures[], rows: readonly Comparison[], paint: Paint): string[] {
  const header = ['group', 'metric', 'n', 'MAPE', 'median', 'p90', 'bias', 'tier', 'TPOT held out'];
  const body = figures.map(({ table: _, group, metric, n, mape, medianApe, p90Ape, bias, tier }) => [
    group,
    metric,
    String(n),
    mape.toFixed(1),
    medianApe.toFixed(1),
    p90Ape.toFixed(1),
    `${bias >= 0 ? '+' : ''}${bias.toFixed(1)}`,
    tier,
    metric === 'tpot' ? heldOutText(rowsOf(rows, group)) : '',
  ]);
  const [first, ...rest] = table([header, ...body]);
  return [paint('dim', first!), ...rest];
}

/** Rows behind a line of figures: of a group, of a tag, or of all, told apart by what is known of them. */
function rowsOf(rows: readonly Comparison[], name: string): Comparison[] {
  const [whole, knowledge] = name.split(', configuration ') as [string, string | undefined];
  const some = rows.filter(
    (row) => row.group === whole || whole === 'all' || row.tags.some((tag) => whole === `all ${tag}`),
  );
  if (knowledge === undefined) return some;
  return some.filter(({ unknown }) => (unknown === undefined) === (knowledge === 'known'));
}

function heldOutText(rows: readonly Comparison[]): string {
  const held = heldOutMape(rows);
  if (held === undefined) return '';
  return held.n === rows.length ? held.mape.toFixed(1) : `${held.mape.toFixed(1)} (n ${held.n})`;
}

function placementRow(placement: FidelityReport['searches'][number]['placements'][number]): string[] {
  const { prefillTp, prefillEngines, decodeTp, decodeEngines, gpus, ratePerGpu } = placement;
  const side = (role: string, tp: number, engines: number): string => `${role} TP ${tp} x ${engines}`;
  return [
    side('prefill', prefillTp, prefillEngines),
    side('decode', decodeTp, decodeEngines),
    `${gpus} GPUs`,
    `${ratePerGpu.toFixed(2)}/s per GPU`,
  ];
}

function barRow({ name, limit, found, held, origin }: Bar, paint: Paint): string[] {
  return [held === true ? paint('green', 'held') : paint('red', 'MISSED'), origin, name, found ?? '', `limit ${limit}`];
}

function peerRow({ simulator, figure, on, source }: (typeof PEERS)[number]): string[] {
  return [simulator, figure, on, source];
}

/** Rows with columns in line, indented. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd());
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = ' -';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '  ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
