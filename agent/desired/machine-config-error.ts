import { ContentError } from '../content-error.ts';

type MachineConfigErrorCode =
  | 'ERR_MACHINE_CONFIG_SYNTAX'
  | 'ERR_MACHINE_CONFIG_VALUE'
  | 'ERR_MACHINE_CONFIG_CONTENT';

/** A MachineConfig that does not say what it should; the message names the member. */
export class MachineConfigError extends ContentError<MachineConfigErrorCode> {}
