"""The ONNX operators that a detector file may contain.

The list contains the operators of classifier exports, and those that the exports of YOLO, RT-DETR
and RF-DETR need in addition. ONNX Runtime allocates the outputs of all of them from the arena of
limited size. `TopK`, `NonMaxSuppression` and `Einsum` also allocate temporary arrays outside the
arena, in proportion to their inputs. `NonZero`, `Unique`, loops, branches, strings and operators
of other domains stay refused, because their memory or time has no such bound.
"""

from __future__ import annotations

from shelfvision._runtime._onnx_check import OPERATORS, OnnxRules

DETECTOR_RULES = OnnxRules(
    operators=OPERATORS
    | {
        # Shapes and constants of exports with dynamic axes.
        *("ConstantOfShape", "Range", "Tile", "Trilu", "Size"),
        # Comparisons and choices.
        *(
            "And",
            "Equal",
            "Greater",
            "GreaterOrEqual",
            "Less",
            "LessOrEqual",
            "Not",
            "Or",
            "Where",
            "Xor",
        ),
        # Upsampling of feature maps, and sampling at the positions of deformable attention.
        *("ConvTranspose", "DepthToSpace", "GridSample", "Resize", "SpaceToDepth", "Upsample"),
        # Selection of the best candidates.
        *("ArgMax", "GatherElements", "GatherND", "NonMaxSuppression", "TopK"),
        *("ScatterElements", "ScatterND"),
        # Attention and position embeddings.
        *("Cos", "CumSum", "Einsum", "GroupNormalization", "Mod", "Round", "Sign", "Sin", "Swish"),
        *("Mish", "RMSNormalization", "ReduceL2", "Sum"),
    },
    kind="a detector in ONNX format",
    remedy="export the detector again, without non-maximum suppression in the file",
)
"""The rules for detector files; docs/security.md lists the operators."""
