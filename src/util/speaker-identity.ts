/** Tells speakers apart by data set and id, because two may share a key: `my_set`/`x` and `my`/`set_x`. */
export const speakerIdentity = ({
  dataset,
  speakerId,
}: {
  dataset: string;
  speakerId: string | null;
}): string => `${dataset}\0${speakerId}`;
