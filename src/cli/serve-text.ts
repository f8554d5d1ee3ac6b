import type { Addresses } from '../api/index.ts';

/** Methods whose requests have a body. */
const WITH_BODY: readonly string[] = ['POST', 'PUT', 'PATCH'];

/** Tells a person where everything listens, and how to try it. */
export function printAddresses(addresses: Addresses): void {
  const { tlsGateway, certificate } = addresses;
  const lines = [`gateway  ${addresses.gateway}`];
  if (tlsGateway !== null) lines.push(`         ${tlsGateway}, ${certificateText(certificate)}`);
  for (const service of addresses.services) {
    lines.push(
      `service  ${service.name}  ${baseOf(service)}`,
      `         ${service.route === null ? `model ${service.model}` : 'application'}, ${service.auth === 'token' ? 'IAM token' : `API key ${service.apiKey ?? 'none'}`}`,
    );
    if (service.status !== 'RUNNING') lines.push(`         is ${service.status}`);
    for (const { name, key } of service.apiKeys.slice(1)) lines.push(`         API key ${name}: ${key}`);
    for (const { name, host } of service.privateConnections)
      lines.push(`         private connection ${name}: host ${host}`);
  }
  for (const { name, key } of addresses.createdKeys)
    lines.push(`key      ${name}: ${key}, once the timeline creates it`);
  if (addresses.services.some(({ auth }) => auth === 'token')) lines.push(...iamLines(addresses));
  for (const pod of addresses.pods) lines.push(`pod      ${pod.name}  ${pod.url}/v1`);
  const [first] = addresses.services;
  if (first !== undefined) lines.push('', 'try it:', ...tryLines(first, certificate));
  process.stdout.write(`${lines.join('\n')}\n\nCtrl-C drains and prints the verdict\n`);
}

/** What the URLs of a service's calls begin with; of tasks it is the whole. */
function baseOf({ url, mode, route }: Addresses['services'][number]): string {
  if (mode === 'asynchronous') return `${url}/tasks`;
  return route === null ? `${url}/v1` : url;
}

/** Where tokens come from, and for whom. */
function iamLines({ gateway, iam }: Addresses): string[] {
  return [
    `tokens   POST ${gateway}${iam.path}, domain ${iam.domain.name}, project ${iam.project.name}`,
    ...iam.users.map(({ name, password }) => `         user ${name}, password ${password}`),
  ];
}

function certificateText(file: string | null): string {
  return file === null ? 'with a certificate of its own (--certificate FILE writes it)' : `certificate in ${file}`;
}

/** A command that streams: curl, or over WebSocket wscat. @param certificate the file that it trusts */
function tryLines(service: Addresses['services'][number], certificate: string | null): string[] {
  const body = {
    model: service.model,
    messages: [{ role: 'user', content: 'Hello' }],
    max_tokens: 32,
    // The result of a task is whole.
    ...(service.mode === 'asynchronous' ? {} : { stream: true }),
  };
  const chat = { method: 'POST', path: '/v1/chat/completions' };
  const { method, path } =
    service.mode === 'asynchronous' ? { method: 'POST', path: '/tasks' } : (service.route ?? chat);
  const data = service.route === null ? JSON.stringify(body) : '{}';
  const token = service.auth === 'token' ? ["  -H 'X-Auth-Token: TOKEN' \\"] : [];
  const auth = service.apiKey === null ? token : [`  -H 'Authorization: Bearer ${service.apiKey}' \\`];
  const [protocol] = service.protocols;
  const trusted = (trust: string, always: string): string =>
    certificate === null ? always : `${trust} ${certificate}`;
  if (protocol === 'WS' || protocol === 'WSS') {
    const trust = protocol === 'WS' ? '' : ` ${trusted('--ca', '--no-check')}`;
    return [`npx wscat${trust} --wait 5 --connect ${service.url}${path} \\`, ...auth, `  --execute '${data}'`];
  }
  const trust = protocol === 'HTTPS' ? ` ${trusted('--cacert', '--insecure')}` : '';
  const lines = [
    `curl -N${trust}${method === 'POST' ? '' : ` -X ${method}`} ${service.url}${path} \\`,
    ...auth,
    ...(WITH_BODY.includes(method) ? ["  -H 'Content-Type: application/json' \\", `  -d '${data}'`] : []),
  ];
  // Nothing follows the last.
  return [...lines.slice(0, -1), lines.at(-1)!.replace(/ \\$/, '')];
}
