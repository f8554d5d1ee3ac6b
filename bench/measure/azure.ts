import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../support/built.ts';
import { inFolder, inferlabVerdict } from '../support/cli.ts';

/** The scenarios that replay an Azure trace whole, and the trace of each. */
const SCENARIOS = {
  'azure-conversation-910b': 'AzureLLMInferenceTrace_conv.csv',
  'azure-conversation-h100': 'AzureLLMInferenceTrace_conv.csv',
  'azure-code-910b': 'AzureLLMInferenceTrace_code.csv',
  'azure-code-h100': 'AzureLLMInferenceTrace_code.csv',
} as const;

/** The conversation trace at four times its rate. */
export const AT_4X: readonly string[] = ['traffic.azure.arrivals.speed=4'];

/** What a line of `--requests` says that is compared with the trace. */
interface RequestLine {
  readonly traceRow: number | null;
  readonly outcome: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

const fileOf = (scenario: string): string => `scenarios/${scenario}.yaml`;

/** Wall seconds of `inferlab run`, the slower of the two conversation scenarios. */
export async function azureConversationSeconds(): Promise<number> {
  const a = await inferlabVerdict(['run', fileOf('azure-conversation-910b')]);
  const b = await inferlabVerdict(['run', fileOf('azure-conversation-h100')]);
  return Math.max(a.wallSeconds, b.wallSeconds);
}

/** Share of the traces' rows whose request completed with the row's tokens, over the four scenarios. */
export async function azureShareRight(): Promise<number> {
  let rows = 0;
  let right = 0;
  for (const [scenario, trace] of Object.entries(SCENARIOS)) {
    const expected = await readRows(join(ROOT, 'fixtures/traces/azure2023', trace));
    const requests = await requestsOf(scenario);
    // A request too many is as wrong as one too few.
    rows += Math.max(expected.length, requests.length);
    const byRow = new Map(requests.map((request) => [request.traceRow, request]));
    right += expected.filter(([prompt, output], row) => isRight(byRow.get(row), prompt, output)).length;
  }
  return right / rows;
}

function isRight(request: RequestLine | undefined, prompt: number, output: number): boolean {
  return request?.outcome === 'completed' && request.promptTokens === prompt && request.outputTokens === output;
}

/** Prompt and output tokens of each row. Read without InferLab's own reader, which is under test. */
async function readRows(file: string): Promise<[prompt: number, output: number][]> {
  const [, ...lines] = (await readFile(file, 'utf8')).trimEnd().split(/\r?\n/);
  return lines.map((line) => {
    const [, prompt, output] = line.split(',').map(Number);
    return [prompt!, output!];
  });
}

function requestsOf(scenario: string): Promise<RequestLine[]> {
  return inFolder(async (folder) => {
    const file = join(folder, 'requests.jsonl');
    await inferlabVerdict(['run', fileOf(scenario), '--requests', file]);
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as RequestLine);
  });
}

/** Distinct hashes of two processes' runs of a scenario, one of them with --check-determinism; the most of the four. */
export async function azureDistinctHashes(): Promise<number> {
  let most = 0;
  for (const scenario of Object.keys(SCENARIOS)) {
    const plain = await inferlabVerdict(['run', fileOf(scenario)]);
    const checked = await inferlabVerdict(['run', fileOf(scenario), '--check-determinism']);
    most = Math.max(most, new Set([plain.told.traceHash, checked.told.traceHash]).size);
  }
  return most;
}
