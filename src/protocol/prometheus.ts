import { assert } from '../kernel/index.ts';

/** The content type of the text exposition format, which every Prometheus accepts. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  /** What the sample's name adds to its family's: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Family {
  /** The whole name; a counter's ends with `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
}

/** Observations by bucket, each counted once, the last bucket being everything above the highest bound. */
export interface HistogramValue {
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Families as Prometheus text 0.0.4. Labels are sorted by name, as the Python client prints them. */
export function encodePrometheus(families: readonly Family[]): string {
  return families.map(encodeFamily).join('');
}

function encodeFamily({ name, help, type, samples }: Family): string {
  const lines = samples.map(({ suffix = '', labels, value }) => {
    return `${name}${suffix}${encodeLabels(labels)} ${formatFloat(value)}\n`;
  });
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function encodeLabels(labels: Labels): string {
  const names = Object.keys(labels).sort();
  if (names.length === 0) return '';
  return `{${names.map((name) => `${name}="${escapeLabel(labels[name] as string)}"`).join(',')}}`;
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

/** Where plain digits end and an exponent begins, as in Go and in the Python client. */
const LARGEST_PLAIN = 1e6;
const SMALLEST_PLAIN = 1e-4;

/** A value as Prometheus clients print floats: `3.0`, `0.25`, `1.5e+06`, `+Inf`, `NaN`. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const size = Math.abs(value);
  if (size >= LARGEST_PLAIN || (size > 0 && size < SMALLEST_PLAIN)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** The samples of one histogram series: buckets summed up from the lowest, then the count and the sum. */
export function histogramSamples(labels: Labels, bounds: readonly number[], { counts, sum }: HistogramValue): Sample[] {
  assert(counts.length === bounds.length + 1, 'a histogram has one count for each bound and one above them');
  let total = 0;
  const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, at) => {
    total += counts[at] as number;
    return { suffix: '_bucket', labels: { ...labels, le: formatFloat(bound) }, value: total };
  });
  return [...buckets, { suffix: '_count', labels, value: total }, { suffix: '_sum', labels, value: sum }];
}
