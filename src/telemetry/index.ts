/**
 * Telemetry: what the outside may see of a run. Events with the platform's texts, a record of every request,
 * figures and histograms. It observes; it decides nothing.
 */
export * from './engine-metrics.ts';
export * from './event-texts.ts';
export * from './events.ts';
export * from './request-figures.ts';
export * from './requests.ts';
export * from './statistics.ts';
