import { Agent, fetch as undiciFetch } from 'undici';
import { Live, LiveServer } from '../../src/api/index.ts';
import { loadScenarioText } from '../../src/files/index.ts';
import { Lab } from '../../src/index.ts';
import { World } from '../../src/lab/index.ts';

/** One way into a running lab, opened. */
export interface OpenDoor {
  readonly gateway: string;
  /** A service's URL at the gateway, without the version of its API. */
  url(service: string): string;
  apiKey(service: string): string;
  pod(slot: string): string;
  /** Runs a client's code where `fetch` reaches the lab. */
  within(body: (fetch: typeof globalThis.fetch) => Promise<void>): Promise<void>;
  close(): void;
}

/** A client's code, at a door. */
export type Within = (door: OpenDoor, fetch: typeof globalThis.fetch) => Promise<void>;

/** Runs a client's code at a door that is being opened, and closes it whatever comes of that. */
export async function withinOpened(opening: Promise<OpenDoor>, body: Within): Promise<void> {
  const door = await opening;
  try {
    await door.within((fetch) => body(door, fetch));
  } finally {
    door.close();
  }
}

/** The two ways into a lab: what passes through one must pass through the other. */
export const DOORS: readonly { readonly name: string; open(scenario: object): Promise<OpenDoor> }[] = [
  { name: 'live sockets', open: openSockets },
  { name: 'lab.fetch', open: openLab },
];

/** Fast enough for answers of some seconds to pass in some hundredths. */
const SPEED = 50;

async function openSockets(scenario: object): Promise<OpenDoor> {
  const { description } = loadScenarioText(JSON.stringify(scenario), 'scenario', {}, String);
  const world = new World(description);
  world.runUntilSettled();
  const live = new Live(
    world,
    SPEED,
    () => {},
    () => server.followPods(),
  );
  const server = new LiveServer(live, { host: '127.0.0.1', port: 0 });
  await server.open();
  live.wake();
  const { gateway, services, pods } = server.addresses();
  // A pool of its own: connections of one door never serve another.
  const agent = new Agent();
  const fetch = ((url: string, init: object) => undiciFetch(url, { ...init, dispatcher: agent })) as unknown;
  return {
    gateway,
    url: (service) => services.find(({ name }) => name === service)!.url,
    apiKey: (service) => services.find(({ name }) => name === service)!.apiKey!,
    pod: (slot) => pods.find(({ name }) => name === slot)!.url,
    within: (body) => body(fetch as typeof globalThis.fetch),
    close: () => {
      live.stop();
      void agent.close();
      void server.close(() => true);
    },
  };
}

async function openLab(scenario: object): Promise<OpenDoor> {
  const lab = Lab.fromObject(scenario);
  const { services } = scenario as { services: { name: string }[] };
  return {
    gateway: new URL(lab.url(services[0]!.name)).origin,
    url: (service) => lab.url(service).replace(/\/v1$/, ''),
    apiKey: (service) => lab.apiKey(service),
    pod: (slot) => lab.podUrl(slot),
    within: (body) => lab.run(() => body(lab.fetch)),
    close: () => {},
  };
}
