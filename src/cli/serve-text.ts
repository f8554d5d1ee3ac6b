import type { Addresses } from '../api/index.ts';

/** Tells a person where everything listens, and how to try it. */
export function printAddresses(addresses: Addresses): void {
  const lines = [`gateway  ${addresses.gateway}`];
  for (const service of addresses.services) {
    lines.push(
      `service  ${service.name}  ${service.url}/v1`,
      `         model ${service.model}, API key ${service.apiKey ?? 'none'}`,
    );
  }
  for (const pod of addresses.pods) lines.push(`pod      ${pod.name}  ${pod.url}/v1`);
  const [first] = addresses.services;
  if (first !== undefined) lines.push('', 'try it:', ...curlLines(first));
  process.stdout.write(`${lines.join('\n')}\n\nCtrl-C drains and prints the verdict\n`);
}

/** A curl command that streams. */
export function curlLines(service: Addresses['services'][number]): string[] {
  const body = {
    model: service.model,
    messages: [{ role: 'user', content: 'Hello' }],
    max_tokens: 32,
    stream: true,
  };
  const auth = service.apiKey === null ? [] : [`  -H 'Authorization: Bearer ${service.apiKey}' \\`];
  return [
    `curl -N ${service.url}/v1/chat/completions \\`,
    ...auth,
    "  -H 'Content-Type: application/json' \\",
    `  -d '${JSON.stringify(body)}'`,
  ];
}
