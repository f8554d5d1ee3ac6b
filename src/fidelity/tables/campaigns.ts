import { imageOf } from './recipes.ts';
import type { SiliconRow } from './silicon.ts';
import { measuredOn } from './workers.ts';

/**
 * Multi-token prediction is not labelled in the silicon table. A benchmark campaign (architecture, accelerator,
 * engine and version, precision, day, image) is told apart by its TPOT as a whole: in some every row is faster than
 * one token a step allows, in some only some rows are. The first are run with speculative decoding; of the second
 * nothing is assumed and their rows are marked. Found when the step-time fit was made.
 */
const ALWAYS: ReadonlySet<string> = new Set([
  'deepseek-v3|b200_sxm|trtllm|1.1.0rc2.post2|fp8|2026-01-14|1.1.0rc2.post2',
  'deepseek-v3|gb200|sglang|0.5.1-rc0.pre1|fp8|2025-12-15|0.5.1-rc0.pre1',
  'qwen3.5-397b-a17b|h200_sxm|sglang|0.5.9|fp8|2026-03-09|v0.5.9-cu129-amd64',
]);

const SOMETIMES: ReadonlySet<string> = new Set([
  'deepseek-v3|b200_sxm|sglang|0.5.8.post1|fp4|2026-02-11|v0.5.8.post1-cu130',
  'deepseek-v3|b200_sxm|sglang|0.5.8.post1|fp4|2026-02-11|v0.5.8.post1-cu130-runtime',
  'deepseek-v3|b200_sxm|sglang|0.5.8.post1|fp8|2026-02-07|v0.5.8.post1-cu130-amd64',
  'deepseek-v3|b200_sxm|sglang|0.5.8.post1|fp8|2026-02-13|v0.5.8.post1-cu130-amd64',
  'deepseek-v3|b200_sxm|sglang|0.5.8.post1|fp8|2026-03-18|v0.5.8.post1-cu130-amd64',
  'deepseek-v3|b200_sxm|trtllm|0.8.1.post1|fp4|2026-01-29|0.8.1.post1',
  'deepseek-v3|b200_sxm|trtllm|0.8.1.post2|fp8|2026-02-12|0.8.1.post2',
  'deepseek-v3|b200_sxm|trtllm|0.8.1.post2|fp8|2026-03-23|0.8.1.post2',
  'deepseek-v3|b200_sxm|trtllm|1.1.0rc2.post2|fp4|2026-01-14|1.1.0rc2.post2',
  'deepseek-v3|b300_sxm|trtllm|0.8.1.post1|fp4|2026-01-28|0.8.1.post1',
  'deepseek-v3|b300_sxm|trtllm|0.8.1.post1|fp8|2026-02-07|0.8.1.post1',
  'deepseek-v3|b300_sxm|trtllm|0.8.1.post1|fp8|2026-02-12|0.8.1.post1',
  'deepseek-v3|gb200|sglang|0.5.5.post2|fp4|2025-12-21|v0.5.5.post2',
  'deepseek-v3|gb200|sglang|0.5.5.post2|fp8|2025-12-21|v0.5.5.post2',
  'deepseek-v3|gb200|sglang|0.5.8.post1|fp8|2026-02-09|v0.5.8.post1-cu130',
  'deepseek-v3|gb200|sglang|0.5.8|fp4|2026-02-08|v0.5.8-cu130',
  'deepseek-v3|gb200|sglang|none|fp8|2025-11-16|-',
  'deepseek-v3|gb200|sglang|none|fp8|2025-11-17|-',
  'deepseek-v3|gb200|trtllm|0.5.1-rc0.pre3|fp4|2025-12-19|0.5.1-rc0.pre3',
  'deepseek-v3|gb200|trtllm|0.8.1.post2|fp4|2026-03-23|0.8.1.post2',
  'deepseek-v3|gb200|trtllm|0.8.1.post2|fp8|2026-02-05|0.8.1.post2',
  'deepseek-v3|gb200|trtllm|none|fp4|2025-11-17|-',
  'deepseek-v3|gb200|trtllm|none|fp4|2025-12-05|-',
  'deepseek-v3|gb300|trtllm|0.8.1.post2|fp4|2026-02-03|0.8.1.post2',
  'deepseek-v3|gb300|trtllm|0.8.1.post2|fp8|2026-02-07|0.8.1.post2',
  'deepseek-v3|h100_sxm|sglang|0.5.8|fp8|2026-02-13|v0.5.8-cu130',
  'deepseek-v3|h100_sxm|trtllm|0.8.1.post3|fp8|2026-02-08|0.8.1.post3',
  'deepseek-v3|h200_sxm|sglang|0.5.8.post1|fp8|2026-02-07|v0.5.8.post1-cu130',
  'deepseek-v3|h200_sxm|trtllm|0.8.1.post1|fp8|2026-02-14|0.8.1.post1',
  'deepseek-v3|h200_sxm|trtllm|0.8.1.post1|fp8|2026-03-23|0.8.1.post1',
  'deepseek-v3|h200_sxm|trtllm|1.1.0rc2.post2|fp8|2026-01-14|1.1.0rc2.post2',
  'deepseek-v3|h200_sxm|trtllm|1.1.0rc2.post2|fp8|2026-01-28|1.1.0rc2.post2',
  'qwen3.5-397b-a17b|b200_sxm|sglang|0.5.9|fp8|-|-',
  'qwen3.5-397b-a17b|b200_sxm|sglang|0.5.9|fp8|2026-03-20|v0.5.9-cu130',
  'qwen3.5-397b-a17b|b300_sxm|sglang|0.5.10.post1|fp8|2026-04-17|v0.5.10.post1-cu130',
  'qwen3.5-397b-a17b|b300_sxm|sglang|0.5.9|fp8|2026-04-03|v0.5.9-cu130',
]);

export type Speculating = 'never' | 'always' | 'unlabelled';

/** @param model its id in the catalogue */
export function speculating(row: SiliconRow, model: string): Speculating {
  const campaign = campaignOf(row, model);
  if (ALWAYS.has(campaign)) return 'always';
  return SOMETIMES.has(campaign) ? 'unlabelled' : 'never';
}

function campaignOf(row: SiliconRow, model: string): string {
  const { accelerator, engine, version, precision } = row;
  return [model, accelerator, engine, version, precision, measuredOn(row), imageOf(row)].join('|');
}
