#!/bin/sh
# The main job end to end, on faces that are drawn for it: pack a record set, look into it, make a
# verification pack of identities that are not in the set, train a network, go on with triplets, convert
# it to ONNX, verify that beside a baseline, and run MegaFace's protocol with it.
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

model=
trained="nothing: training needs MXNet, which this Python cannot have"
if "${insightrec%insightrec}python" -c 'from insightrec.deploy.mxnet_import import import_mxnet as f; f()' 2>/dev/null; then
    # A quarter of MobileNetV1's width and small images, so that a CPU is enough.
    network="--network m1 --version-multiplier 0.25 --emb-size 128 --image-size 32,32 --per-batch-size 64"
    network="$network --data-dir $out --target synthetic"
    # shellcheck disable=SC2086
    {
        run train $network --loss-type 0 --prefix "$out/softmax" --max-steps 100 --verbose 50 --verify-first
        run train $network --loss-type 0 --prefix "$out/softmax" --max-steps 150 --verbose 50 --resume
        run train $network --loss-type 12 --lr 0.005 --mom 0.0 --pretrained "$out/softmax,3" --prefix "$out/triplet" \
            --triplet-bag-size 400 --max-steps 20 --verbose 20
    }
    run to_onnx --model "$out/triplet,1" --image-size 32,32 --output "$out/face.onnx"
    model=$out/face.onnx
    trained="$out/softmax-0003.params (resumed once), $out/triplet-0001.params, $out/face.onnx"
fi
# shellcheck disable=SC2086
run verification --model eigenfaces $model --data-dir "$out" --target synthetic --output "$out/results"

identified="nothing: there is no trained model"
if [ -n "$model" ]; then
    run draw_faces --output "$out/distractors" --first-identity 200 --identities 400 --images 1 --seed 0
    run make_template_lists --probes "$out/held_out" --distractors "$out/distractors" --sizes 100 400 --output "$out/lists"
    probes=$out/lists/facescrub_features_list.json
    run gen_megaface --model "$model" --algo demo --layout store --output "$out/features" \
        --facescrub-lst "$probes" --facescrub-root "$out/held_out" \
        --megaface-lst "$out/lists/megaface_features_list.json_400_1" --megaface-root "$out/distractors"
    run run_experiment "$out/features/megaface" "$out/features/facescrub" _demo.bin "$out/megaface" \
        -s 100 400 -p "$probes" -dlp "$out/lists"
    identified="$out/megaface"
fi

cat <<END

Done. The faces are drawings, so the figures show that the tools work, not how well anything recognises people.
  faces            $out/aligned (in the set), $out/held_out (other identities, for verification)
  record set       $out/train.rec, train.idx, property, train.lst
  pack             $out/synthetic.bin
  trained          $trained
  figures, curves  $out/results
  identification   $identified
Next, with your own data: README.md, "The tools".
END
