/** What expectations are judged on: the figures of the JSON verdict. Null where there was no sample. */

/** Milliseconds over completed requests; percentiles interpolated linearly, as numpy does. */
export interface Distribution {
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** The figures of some requests, and of what served them. */
export interface LoadFigures {
  /** `failed`: every request that was refused, cut or never answered. */
  readonly requests: { readonly total: number; readonly completed: number; readonly failed: number };
  readonly tokens: { readonly prompt: number; readonly output: number };
  /** Time to the first token. */
  readonly ttftMs: Distribution;
  /** Time per output token after the first; answers of one token are left out. */
  readonly tpotMs: Distribution;
  /** From arrival to the last token. */
  readonly e2eMs: Distribution;
  /** From arrival to the first step that works on the request. */
  readonly queueMs: Distribution;
  /** From the first arrival to the last end. */
  readonly outputTokensPerSecond: number | null;
  /** Completed requests, over the same time. */
  readonly requestsPerSecond: number | null;
  /** Share of the time in which accelerators worked on a step, 0 to 1. */
  readonly acceleratorUtilization: number | null;
  /** Share of the KV blocks in use, averaged over time, 0 to 1. */
  readonly kvUtilization: number | null;
  readonly preemptions: number;
  readonly simulatedSeconds: number;
}

export interface ServiceFigures extends LoadFigures {
  readonly status: string;
}

export interface Figures extends LoadFigures {
  /** By the service's name. */
  readonly services: Readonly<Record<string, ServiceFigures>>;
  /** How often each event was recorded, by its reason. */
  readonly events: Readonly<Record<string, number>>;
}

/** Figures of a made-up run in which everything was 1: it has every name that an expectation may use. */
export function sampleFigures(services: readonly string[]): Figures {
  const distribution: Distribution = { mean: 1, p50: 1, p90: 1, p99: 1, max: 1 };
  const load: LoadFigures = {
    requests: { total: 1, completed: 1, failed: 1 },
    tokens: { prompt: 1, output: 1 },
    ttftMs: distribution,
    tpotMs: distribution,
    e2eMs: distribution,
    queueMs: distribution,
    outputTokensPerSecond: 1,
    requestsPerSecond: 1,
    acceleratorUtilization: 1,
    kvUtilization: 1,
    preemptions: 1,
    simulatedSeconds: 1,
  };
  const byService = Object.fromEntries(services.map((each) => [each, { ...load, status: 'running' }]));
  return { ...load, services: byService, events: {} };
}
