import { z } from 'zod';
import { duration, positive, positiveDuration } from './fields.ts';

/** What things take on the platform, in units that a person writes; what is not said is as the platform has it. */

const rate = (of: string) => positive().optional().describe(`${of}, GB/s.`);
const lasts = (what: string) => duration().optional().describe(`${what}.`);

export const timings = z.strictObject({
  imagePullGigabytesPerSecond: rate('From the registry to a node'),
  storageGigabytesPerSecond: z
    .strictObject({
      image: rate('Weights in the image'),
      obs: rate('Buckets'),
      obsfs: rate('Parallel file systems'),
      'sfs-turbo': rate('SFS Turbo'),
      'pre-warmed': rate('Pre-warmed models'),
    })
    .optional()
    .describe('From storage to a pod.'),
  diskGigabytesPerSecond: rate("From a node's disk to a pod"),
  mount: lasts("Mounting a pod's volumes"),
  containerStart: lasts('Creating and starting a container'),
  engineBoot: lasts('Starting an engine, without its weights'),
  rankTable: lasts('Agreeing on the rank table, of an engine of several pods'),
  reschedule: positiveDuration().optional().describe('Pods without a node are tried again this often.'),
  detection: z
    .strictObject({
      chip: lasts('Of a faulty chip'),
      switch: lasts('Of a faulty switch'),
      node: lasts('Of a lost node'),
      network: lasts('Of a network fault'),
    })
    .optional()
    .describe('From a fault to its being reported.'),
  nodeReboot: lasts('A node reboots'),
  nodeReset: lasts('A node is reset with all its chips'),
  stopDelay: lasts('Stopping a service with probes is held back so long'),
});
