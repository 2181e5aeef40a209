#!/bin/sh
# The main job end to end, on faces that are drawn for it: pack a record set, look into it, make a
# verification pack of identities that are not in the set, and verify a baseline on it.
set -eu
insightrec=$1
out=demo-out

run() {
    printf '\n$ insightrec %s\n' "$*"
    "$insightrec" "$@"
}

rm -rf "$out"
run draw_faces --output "$out/aligned" --identities 80 --images 12 --seed 0
run draw_faces --output "$out/held_out" --first-identity 80 --identities 60 --images 10 --seed 0 \
    --pairs "$out/pairs.txt" --folds 10 --pairs-per-fold 30
run face2rec --root "$out/aligned"
run rec_info "$out"
run pairs2bin --kind lfw --pairs "$out/pairs.txt" --root "$out/held_out" --output "$out/synthetic.bin"
run verification --model eigenfaces --data-dir "$out" --target synthetic --output "$out/results"

cat <<END

Done. The faces are drawings, so the figures show that the tools work, not how well anything recognises people.
  faces            $out/aligned (in the set), $out/held_out (other identities, for verification)
  record set       $out/train.rec, train.idx, property, train.lst
  pack             $out/synthetic.bin
  figures, curves  $out/results
Next, with your own data: README.md, "The tools".
END
