/** Rows of one speaker. */
export interface SpeakerGroup {
  /** `dataset_speaker`, as in the files. */
  key: string;
  dataset: string;
  speakerId: string;
  /** Where the speaker's rows are, ascending. */
  rows: number[];
}

/**
 * Rows by speaker, speakers in the order of their first row. A speaker is a data set and an id: two that share a key
 * (`my_set`/`x` and `my`/`set_x`) stay two.
 */
export function bySpeaker(rows: readonly { dataset: string; speakerId: string }[]): SpeakerGroup[] {
  const groups = new Map<string, SpeakerGroup>();
  rows.forEach(({ dataset, speakerId }, i) => {
    const name = `${dataset}\0${speakerId}`;
    const group = groups.get(name);
    if (group === undefined)
      groups.set(name, { key: `${dataset}_${speakerId}`, dataset, speakerId, rows: [i] });
    else group.rows.push(i);
  });
  return [...groups.values()];
}
