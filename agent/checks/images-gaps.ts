import type { Statement } from '../check.ts';
import type { ImageVerification } from '../images/verify.ts';

/** Records of containers that could not be read: nothing can be said of all containers then. */
export function unreadContainers({ faults }: ImageVerification): Statement | undefined {
  const fault = faults.find(({ reason }) => reason === 'containers');
  if (fault === undefined) return undefined;
  return { result: 'unknown', reason: 'containers', message: fault.message };
}

/** A list of images that could not be read: that none was found says nothing then. */
export function unreadImages({ faults, folders }: ImageVerification): Statement | undefined {
  const fault = faults.find((one) => folders.some(({ path }) => path === one.path));
  if (fault === undefined) return undefined;
  return { result: 'unknown', reason: fault.reason, message: fault.message };
}
