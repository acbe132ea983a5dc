import { answering, type QuestionAnswer } from '@verifywise/broker';
import { ListInstallations, type Installation, type InstallationCursor } from '@verifywise/contracts';

/** More in one answer would be a message nobody likes to carry. */
const MOST_AT_ONCE = 200;

type ListByPartitions = (
  partitions: number[],
  after: InstallationCursor | undefined,
  limit: number,
) => Promise<Installation[]>;

export function listInstallations(list: ListByPartitions): QuestionAnswer {
  return answering(ListInstallations, async ({ partitions, after, limit }) => {
    const size = Math.min(Math.max(1, limit), MOST_AT_ONCE);
    const installations = await list(partitions, after, size);
    const last = installations.length < size ? undefined : installations.at(-1);
    return { installations, ...(last === undefined ? {} : { next: { tenant: last.tenant, pluginId: last.pluginId } }) };
  });
}
