/** What the figures do not say, for whoever would read more into them. */
export const NOT_COVERED: readonly string[] = [
  'In sample: the step-time fits have seen the silicon rows, the RTX run, the H100 runs and the 910B rows. The held-out column is the fit’s own, of an evaluator that bins steps; the engine here is the real one.',
  'The harness is reconstructed: closed loop from time zero, 10 requests a client (5 above 512, 3 above 2,048; disaggregated 4 above 256, 2 above 1,024), InferenceMAX lengths of 0.8 to 1 of nominal; that ratio is from memory, and holds on three groups.',
  'Attention data parallelism is one engine whose steps take as long as its fullest rank: ranks are balanced by count, not by length.',
  'Speculative decoding is not labelled in the silicon table. Disaggregated rows take it from the recipe that their campaign published; co-located campaigns that mix it are predicted without, and stand under "configuration unknown".',
  'Disaggregated rows without worker counts take those of the recipe that fits their load and sizes (docs/step-time-fit.md, 4a); where several fit, ranks of measured TPOT tell them apart, and such rows stand under "configuration unknown". Rows without a recipe take the counts of the nearest row, and their TPOT validates little. The step-time fits are older than the recipes: they saw these rows with other counts, and with speculation guessed from the nearer prediction.',
  'Disaggregated TTFT depends on routers, warm-up and chunk size: read it as an order of magnitude.',
  'Silicon rows without a number of clients (8 co-located) are run with one; with replicas unknown (nvidia/*-NVFP4 of Qwen3-32B and DeepSeek-V3.1) as one engine.',
  'The 300 requests of the H100 runs are assumed to be the ShareGPT sample beside them, in turn to two engines for MD.',
  'Splitwise’s table is of 2023 software; pcap rows (synthetic), prompts of 512 x 64 at TP 2 (anomalous) and BLOOM-176B (not in the catalogue) are left out, and no fit has seen the rest.',
  'GPUStack: only Qwen3-8B on one 910B under vLLM-Ascend is replayed. MindIE’s TPOT holds queueing and five of its rows are another page’s; the lab’s GPU rows lack the engine versions and settings that a prediction needs.',
  'llm-d’s routing ladder is shipped but not replayed: its prompts’ shared prefixes and lengths are not in the file.',
  'DistServe’s own sample has longer prompts than the ShareGPT sample at hand, which moves both placement and rate: with the sample’s lengths stretched to DistServe’s means (755.5 and 200.3 tokens, from memory) both come out as published.',
  'Quantised KV caches, LoRA, multi-node tensor parallelism, image inputs, and engines other than vLLM, SGLang and TensorRT-LLM have no published row here.',
];

/** Groups whose error is far above the rest, and the likely reason. They are in the figures like every other row. */
export const OUTLIERS: readonly string[] = [
  'qwen3-32b on gb200 trtllm bf16 (12 rows): an unstable run; TPOT is 8 ms with one client, 42 with two, 38 with 64.',
  'nvidia/Qwen3-32B-NVFP4 and DeepSeek-V3.1-NVFP4 co-located (3 rows): 416 to 448 clients of 15K tokens do not fit the one engine that the row names; several replicas, whose number is not told. The two dense ones alone add 2 points to the dense MAPE.',
  'llama-3.1-8b on h200 vllm fp8 (16 rows): the implied MFU is 80 to 95 %; prefix-cache hits or replicas.',
  'llama-3.1-8b on h100 trtllm, TTFT: with few clients it grows by about E2E over clients (a batch slot short); with many the streaming front end is the limit. TPOT is not affected.',
  'llama-3.1-70b on b200 trtllm 1K/1K, TTFT, and deepseek-v3 on b200 sglang without a version, TTFT: start-up or compilation inside the run.',
  'deepseek-v3 co-located on gb200 over more than 8 devices (42 rows): disaggregated deployments mislabelled; run as attention and experts over all devices.',
  'qwen3-8b on the 910B, 128/4: 1,000 prompts at once wait in the front end, which is one fixed delay here; 4K/200: the engine preempts where the measured one held back.',
  'deepseek-v3 disaggregated on h100 sglang fp8 (38 rows): the recipes without speculation are commented out in the published list, but the TPOTs of 8K/1K say that they were run; predicted with, they come out 30 to 40 % low.',
  'deepseek-v3 disaggregated on h200 sglang fp8 (33 rows): the two measurements of a load are 6 to 20 % apart where speculation gives 40 % and more elsewhere, so neither may be what the list says.',
  'deepseek-v3 disaggregated on b200 sglang fp8, 8K/1K of 2026-03-18 (25 rows): worker counts in that day’s rows contradict the list, which is of another day.',
  'deepseek-v3 disaggregated on gb200 sglang fp8 of 2025-12-05 and 2025-12-15, 8K/1K (13 rows): TPOT is 32 ms from 128 clients to 4,096; something other than the batch sets it. No recipe names these loads.',
  'deepseek-v3 disaggregated on b300 trtllm fp8, attention data parallelism (17 rows): 20 to 50 % low; expert compute was fitted with other worker counts. h100 trtllm with 615 and 1,229 clients: half of what was measured, speculation bringing nothing there.',
  'kimi-k2.5 and glm-5 disaggregated on gb200 trtllm without counts (40 rows): no recipe at hand; with 2,000 clients and more the nearest row has too few prefill engines.',
];
