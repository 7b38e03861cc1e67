using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Attention
{
    /// <summary>The dense copies and tiles that one worker holds during the backward pass.</summary>
    private struct BackwardTiles
    {
        public float* KeyPanels;
        public float* ValuePanels;
        public float* Keys;
        public float* KeyGradient;
        public float* ValueGradient;
        public float* Queries;
        public float* OutputGradient;
        public float* QueryGradient;
        public float* P;
        public float* D;
        public float* Lse;
        public float* Delta;

        public static long Place(in AttentionShape s, float* memory, out BackwardTiles t)
        {
            var bump = new Bump(memory);
            var keys = KeyTile(s);
            var padded = RoundUp(keys, AttentionTiles.Height);
            var (ldK, ldV) = (Dense(s.KeyWidth), Dense(s.ValueWidth));
            t = new BackwardTiles
            {
                KeyPanels = bump.Take((long)keys * s.KeyWidth),
                ValuePanels = bump.Take((long)keys * s.ValueWidth),
                Keys = bump.Take((long)keys * ldK),
                KeyGradient = bump.Take((long)padded * ldK),
                ValueGradient = bump.Take((long)padded * ldV),
                Queries = bump.Take(QueryTile * ldK),
                OutputGradient = bump.Take(QueryTile * ldV),
                QueryGradient = bump.Take(QueryTile * ldK),
                P = bump.Take(QueryTile * (keys + Skew)),
                D = bump.Take(QueryTile * (keys + Skew)),
                Lse = bump.Take(QueryTile),
                Delta = bump.Take(QueryTile),
            };
            return bump.Used * sizeof(float);
        }
    }

    private static void LoadKeys(in BackwardArguments a, in BackwardTiles t, int batch, int head, int key, int keys, bool withQueries)
    {
        ref readonly var s = ref a.Shape;
        var token = ((long)batch * s.Keys) + key;
        var k = a.K + (token * s.KeyStride) + ((long)head * s.KeyWidth);
        var v = a.V + (token * s.ValueStride) + ((long)head * s.ValueWidth);
        AttentionPacking.Transpose(k, s.KeyStride, keys, s.KeyWidth, t.KeyPanels);
        AttentionPacking.Transpose(v, s.ValueStride, keys, s.ValueWidth, t.ValuePanels);
        if (withQueries)
        {
            AttentionPacking.Copy(k, s.KeyStride, keys, s.KeyWidth, t.Keys, Dense(s.KeyWidth));
        }
    }

    private static void LoadQueries(in BackwardArguments a, in BackwardTiles t, int batch, int head, int first, int count)
    {
        ref readonly var s = ref a.Shape;
        var (ldK, ldV) = (Dense(s.KeyWidth), Dense(s.ValueWidth));
        for (var i = 0; i < count; i++)
        {
            var (token, member) = Math.DivRem(first + i, s.Group);
            var row = ((long)batch * s.Queries) + token;
            var queryHead = ((long)head * s.Group) + member;
            var at = (row * s.OutputStride) + (queryHead * s.ValueWidth);
            AttentionPacking.CopyRow(a.Q + (row * s.QueryStride) + (queryHead * s.KeyWidth), s.Scale * Rows.Log2E, s.KeyWidth, t.Queries + (i * ldK), ldK);
            AttentionPacking.CopyRow(a.OutputGradient + at, 1, s.ValueWidth, t.OutputGradient + (i * ldV), ldV);
            t.Lse[i] = a.Lse[(row * s.Heads) + queryHead] * Rows.Log2E;
            t.Delta[i] = Rows.Dot(a.OutputGradient + at, a.Output + at, s.ValueWidth);
        }

        for (var i = count; i < RoundUp(count, AttentionTiles.Height); i++)
        {
            Rows.Clear(t.Queries + (i * ldK), ldK);
            Rows.Clear(t.OutputGradient + (i * ldV), ldV);
        }
    }

    /// <summary>P = softmax of the tile's scores, D = P * (dOutput v' - delta): the gradient of the scores.</summary>
    private static void Probabilities(in BackwardArguments a, in BackwardTiles t, int first, int count, int key, int keys)
    {
        const int height = AttentionTiles.Height;
        const int width = AttentionTiles.Width;
        ref readonly var s = ref a.Shape;
        var (ldQ, ldV, ldS) = (Dense(s.KeyWidth), Dense(s.ValueWidth), KeyTile(s) + Skew);
        for (var x = 0; x < keys; x += width)
        {
            for (var i = 0; i < count; i += height)
            {
                var (from, to) = VisibleInTile(s, 0, first + i, Math.Min(height, count - i), key, keys);
                if (x < to && x + width > from)
                {
                    AttentionTiles.Multiply(t.Queries + (i * ldQ), ldQ, t.KeyPanels + (x * s.KeyWidth), width, t.P + (i * ldS) + x, ldS, s.KeyWidth, false);
                    AttentionTiles.Multiply(
                        t.OutputGradient + (i * ldV), ldV, t.ValuePanels + (x * s.ValueWidth), width, t.D + (i * ldS) + x, ldS, s.ValueWidth, false);
                }
            }
        }

        for (var i = 0; i < count; i++)
        {
            var (from, to) = VisibleInTile(s, 0, first + i, 1, key, keys);
            GradientRow(t.P + (i * ldS), t.D + (i * ldS), from, to, ldS, t.Lse[i], t.Delta[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GradientRow(float* p, float* d, int begin, int end, int width, float lse, float delta)
    {
        if (begin >= end)
        {
            Rows.Clear(p, width);
            Rows.Clear(d, width);
            return;
        }

        var low = begin & -Rows.Lanes;
        var high = RoundUp(end, Rows.Lanes);
        Hide(p, low, begin, end, high);
        var (shift, less) = (Vector512.Create(lse), Vector512.Create(delta));
        for (var i = low; i < high; i += Rows.Lanes)
        {
            var probability = Rows.Exp2(Vector512.Load(p + i) - shift);
            probability.Store(p + i);
            (probability * (Vector512.Load(d + i) - less)).Store(d + i);
        }

        Rows.Clear(p, low);
        Rows.Clear(d, begin);
        Rows.Clear(p + high, width - high);
        Rows.Clear(d + end, width - end);
    }

    /// <summary>dv += P' dOutput, dk += D' q.</summary>
    private static void AddKeyGradients(in AttentionShape s, in BackwardTiles t, int first, int count, int key, int keys)
    {
        const int height = AttentionTiles.Height;
        const int width = AttentionTiles.Width;
        var (ldK, ldV, ldS) = (Dense(s.KeyWidth), Dense(s.ValueWidth), KeyTile(s) + Skew);
        for (var j = 0; j < keys; j += height)
        {
            var (begin, end) = RowsThatSee(s, key + j, Math.Min(height, keys - j));
            begin = Math.Max(begin - first, 0);
            end = Math.Min(end - first, count);
            if (begin >= end)
            {
                continue;
            }

            for (var x = 0; x < s.ValueWidth; x += width)
            {
                AttentionTiles.MultiplyTransposed(
                    t.P + (begin * ldS) + j, ldS, t.OutputGradient + (begin * ldV) + x, ldV, t.ValueGradient + (j * ldV) + x, ldV, end - begin, true);
            }

            for (var x = 0; x < s.KeyWidth; x += width)
            {
                AttentionTiles.MultiplyTransposed(
                    t.D + (begin * ldS) + j, ldS, t.Queries + (begin * ldK) + x, ldK, t.KeyGradient + (j * ldK) + x, ldK, end - begin, true);
            }
        }
    }

    /// <summary>dq += Scale D k, or = in the first tile that a row sees.</summary>
    private static void AddQueryGradient(in BackwardArguments a, in BackwardTiles t, int batch, int head, int first, int count, int key, int keys)
    {
        const int height = AttentionTiles.Height;
        const int width = AttentionTiles.Width;
        ref readonly var s = ref a.Shape;
        var (ldK, ldS) = (Dense(s.KeyWidth), KeyTile(s) + Skew);
        for (var i = 0; i < count; i += height)
        {
            var rows = Math.Min(height, count - i);
            var (from, to) = VisibleInTile(s, 0, first + i, rows, key, keys);
            if (from >= to)
            {
                continue;
            }

            for (var x = 0; x < s.KeyWidth; x += width)
            {
                AttentionTiles.Multiply(
                    t.D + (i * ldS) + from, ldS, t.Keys + (from * ldK) + x, ldK, t.QueryGradient + (i * ldK) + x, ldK, to - from, false);
            }

            var isFirst = s.Visible(first + i, 0).Begin >= key;
            for (var r = i; r < i + rows; r++)
            {
                var (token, member) = Math.DivRem(first + r, s.Group);
                var row = ((long)batch * s.Queries) + token;
                var target = a.QueryGradient + (row * a.QueryGradientStride) + ((((long)head * s.Group) + member) * s.KeyWidth);
                if (isFirst)
                {
                    Rows.Scale(t.QueryGradient + (r * ldK), target, s.Scale, s.KeyWidth);
                }
                else
                {
                    Rows.AddScaled(t.QueryGradient + (r * ldK), target, s.Scale, s.KeyWidth);
                }
            }
        }
    }

    private static void StoreKeyGradients(in BackwardArguments a, in BackwardTiles t, int batch, int head, int key, int keys)
    {
        ref readonly var s = ref a.Shape;
        for (var i = 0; i < keys; i++)
        {
            var token = ((long)batch * s.Keys) + key + i;
            // The copies of the queries carry Scale and log2(e); ln(2) takes the latter out again.
            Rows.Scale(t.KeyGradient + (i * Dense(s.KeyWidth)), a.KeyGradient + (token * a.KeyGradientStride) + ((long)head * s.KeyWidth), Rows.Ln2, s.KeyWidth);
            Rows.Copy(t.ValueGradient + (i * Dense(s.ValueWidth)), a.ValueGradient + (token * a.ValueGradientStride) + ((long)head * s.ValueWidth), s.ValueWidth);
        }
    }
}
