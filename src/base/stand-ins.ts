/** User ids that are nobody's. */

/**
 * Telegram's own accounts, named as the sender where somebody writes as a chat: GroupAnonymousBot for the admins of a group,
 * Channel_Bot for channels, Telegram itself for a channel's posts in its discussion group. Whoever counts, bills or lets in
 * by such an id does so for everyone.
 */
export const standIns: ReadonlySet<number> = new Set([1_087_968_824, 136_817_688, 777_000]);
