/** Floor 1: consensus as a pure machine. What other folders may import. */
export { applyChange, entriesApplied, takeCommitted } from './apply.ts'
export { RAFT_DECISIONS, type RaftDecisions } from './decisions.ts'
export type {
  RaftChangeRefusedFact,
  RaftFact,
  RaftMembershipFact,
  RaftRoleFact,
  RaftSnapshotFact,
  RaftTruncatedFact,
  RaftVoteFact,
} from './facts.ts'
export { followerUnreachable, snapshotReported } from './leader.ts'
export { RaftLog } from './log.ts'
export {
  changed,
  isJoint,
  type MemberChange,
  MembershipChange,
  type MembershipRefusal,
  membersOf,
  type Transition,
  votersOnly,
} from './membership.ts'
export { messageBytes, type Proposal, type RaftMessage } from './messages.ts'
export { completeRaftOptions, type RaftOptions, type RaftOptionsInput } from './options.ts'
export type { RaftOut } from './sink.ts'
export {
  applicable,
  createState,
  NOTHING_RESTORED,
  type RaftState,
  type Restored,
  setApplied,
} from './state.ts'
export {
  electionTimerFired,
  heartbeatTimerFired,
  proposeEntries,
  type RaftInput,
  readIndex,
  receive,
  snapshotTaken,
  start,
  step,
  transferLeadership,
  writeDurable,
} from './step.ts'
export type { Entry, HardState, LogIndex, MemberId, Membership, Role, Snapshot, Term } from './types.ts'
