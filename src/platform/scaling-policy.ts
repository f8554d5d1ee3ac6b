import type { Micros } from '../kernel/index.ts';
import type { ScalingRule, ScalingSpec } from './scaling-spec.ts';

/** The contract's spelling, as with the following. A policy whose rules are all disabled is inactive. */
export type ScalingPolicyStatus = 'ACTIVE' | 'INACTIVE' | 'DELETED';

/** `EXECUTE_SUCCESS` and `FAILED`: how it went when the rule last acted. */
export type ScalingRuleStatus = 'CREATING' | 'CONFIG_SUCCESS' | 'EXECUTE_SUCCESS' | 'FAILED' | 'DELETED';

export interface ScalingRuleState {
  /** Its number among all rules that ever were; a rule that is changed is a new one. */
  readonly number: number;
  readonly rule: ScalingRule;
  readonly status: ScalingRuleStatus;
}

/** Where the automatic scaling of a deployment stands (ShowInferDeploymentHpaResponse). */
export interface ScalingPolicy {
  readonly status: ScalingPolicyStatus;
  /** What was set last; without rules once they are deleted. */
  readonly spec: ScalingSpec;
  /** Those that are set, then those deleted whose names are free. */
  readonly rules: readonly ScalingRuleState[];
}

/** One execution of a rule, as the history shows it (guide 3261; HpaEventResponse, which has those that are over). */
export interface ScalingRecord {
  readonly at: Micros;
  readonly service: string;
  readonly deployment: string;
  readonly rule: string;
  /** Instances before, those to be reached, and those wanted afterwards. */
  readonly from: number;
  readonly target: number;
  readonly final: number;
  readonly status: 'EXECUTING' | 'SUCCESS' | 'FAILED';
  /** Why it failed. */
  readonly message: string;
}
