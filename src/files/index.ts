/** The file system: scenarios and their traces in, journals in and out, requests out. The only room that opens files. */
export { JournalFile, journalHeader } from './journal-file.ts';
export {
  type LoadedScenario,
  type LoadOptions,
  loadJournalled,
  loadScenarioFile,
  loadScenarioText,
  readText,
} from './load-scenario.ts';
export { MachineHash } from './machine-hash.ts';
export { FIDELITY_BASELINE, readMeasurements, writeText } from './measurement-files.ts';
export { openRequests, writeRequests } from './request-file.ts';
export { TraceFile } from './trace-file.ts';
export { VERSION } from './version.ts';
