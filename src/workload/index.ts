/**
 * The workload: when requests arrive and how many tokens they ask for, pulled one by one. What is sent to whom is
 * decided here; what becomes of a request is not, and no file is read: a trace's text is handed in.
 */
export * from './arrivals.ts';
export * from './lengths.ts';
export * from './spec.ts';
export * from './stream.ts';
export * from './trace.ts';
