/** One server of the group that keeps sessions for each other. */
export interface ReplicationMember {
  /** 1 to 32 letters and digits, different for each member: the route of its sessions, and the name in its certificate. */
  readonly name: string;

  /** Where its replication port is. */
  readonly host: string;
  readonly port: number;

  /** Rack, availability zone or the like: a backup is chosen in another one if there is any. */
  readonly zone?: string;
}
