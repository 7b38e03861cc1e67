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
        public int* Begin;
        public int* End;

        public static long Place(in AttentionShape s, MicroKernels kernels, float* memory, out BackwardTiles t)
        {
            var bump = new Bump(memory);
            var keys = KeyTile(s);
            var rows = QueryTile(s);
            var panels = (long)RoundUp(keys, kernels.TileColumns);
            var (ldK, ldV) = (Dense(s.KeyWidth), Dense(s.ValueWidth));
            t = new BackwardTiles
            {
                KeyPanels = bump.Take(panels * s.KeyWidth),
                ValuePanels = bump.Take(panels * s.ValueWidth),
                Keys = bump.Take((long)keys * RoundUp(s.KeyWidth, kernels.TileColumns)),
                KeyGradient = bump.Take((long)keys * ldK),
                ValueGradient = bump.Take((long)keys * ldV),
                Queries = bump.Take(rows * ldK),
                OutputGradient = bump.Take(rows * ldV),
                QueryGradient = bump.Take(rows * ldK),
                P = bump.Take(rows * (keys + Skew)),
                D = bump.Take(rows * (keys + Skew)),
                Begin = (int*)bump.Take(rows),
                End = (int*)bump.Take(rows),
            };
            return bump.Used * sizeof(float);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadKeys(in BackwardArguments a, in BackwardTiles t, int batch, int head, int key, int keys, bool withQueries)
    {
        ref readonly var s = ref a.Shape;
        var token = ((long)batch * s.Keys) + key;
        var k = a.K + (token * s.KeyStride) + ((long)head * s.KeyWidth);
        var v = a.V + (token * s.ValueStride) + ((long)head * s.ValueWidth);
        AttentionPacking.Transposed(a.Kernels, k, s.KeyStride, keys, s.KeyWidth, t.KeyPanels);
        AttentionPacking.Transposed(a.Kernels, v, s.ValueStride, keys, s.ValueWidth, t.ValuePanels);
        if (withQueries)
        {
            AttentionPacking.Columns(a.Kernels, k, s.KeyStride, keys, s.KeyWidth, t.Keys, (long)KeyTile(s) * a.Kernels.TileColumns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadQueries(in BackwardArguments a, in BackwardTiles t, int batch, int head, int first, int count)
    {
        ref readonly var s = ref a.Shape;
        AttentionPacking.Copy(QueryRows(s, a.Q, s.QueryStride, s.KeyWidth, batch, head), first, count, s.Scale * Rows.Log2E, t.Queries, Dense(s.KeyWidth));
        var outputGradient = QueryRows(s, a.OutputGradient, s.OutputStride, s.ValueWidth, batch, head);
        AttentionPacking.Copy(outputGradient, first, count, 1, t.OutputGradient, Dense(s.ValueWidth));
        for (var i = 0; i < count; i++)
        {
            (t.Begin[i], t.End[i]) = s.Visible(first + i, 0);
        }
    }

    /// <summary>P = softmax of the tile's scores, D = P * (dOutput v' - delta): the gradient of the scores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Probabilities(in BackwardArguments a, in BackwardTiles t, int batch, int head, int first, int count, int key, int keys)
    {
        var (height, width) = (a.Kernels.TileRows, a.Kernels.TileColumns);
        ref readonly var s = ref a.Shape;
        var (ldQ, ldV, ldS) = (Dense(s.KeyWidth), Dense(s.ValueWidth), KeyTile(s) + Skew);
        var scores = TileProduct.Of(a.Kernels, ldQ, ldS);
        var gradients = TileProduct.Of(a.Kernels, ldV, ldS);
        for (var x = 0; x < keys; x += width)
        {
            var columns = Math.Min(width, keys - x);
            var (begin, end) = (0, count);
            while (begin < count && key + x >= t.End[Math.Min(begin + height, count) - 1])
            {
                begin += height;
            }

            while (end > begin && key + x + width <= t.Begin[(end - 1) / height * height])
            {
                end = (end - 1) / height * height;
            }

            for (var i = begin; i < end; i += height)
            {
                var panel = t.KeyPanels + (x * s.KeyWidth);
                scores.Run(t.Queries + (i * ldQ), panel, t.P + (i * ldS) + x, Math.Min(height, count - i), columns, s.KeyWidth, false);
            }

            for (var i = begin; i < end; i += height)
            {
                var panel = t.ValuePanels + (x * s.ValueWidth);
                gradients.Run(t.OutputGradient + (i * ldV), panel, t.D + (i * ldS) + x, Math.Min(height, count - i), columns, s.ValueWidth, false);
            }
        }

        var row = FirstRow(s, batch, head) + first;
        for (var i = 0; i < count; i += height)
        {
            GradientRows(t, a.RowLse + row, a.RowDelta + row, i, Math.Min(height, count - i), key, keys, ldS);
        }
    }

    /// <summary>
    /// P and D of some consecutive rows. Where a row does not see a key, they are 0 as far as the products of <see cref="AddKeyGradients"/> read,
    /// that is less than a tile's height from what the row sees.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GradientRows(in BackwardTiles t, float* lse, float* delta, int first, int count, int key, int keys, int ld)
    {
        var low = Math.Max(t.Begin[first] - key, 0) & -Rows.Lanes;
        var high = RoundUp(Math.Min(t.End[first + count - 1] - key, keys), Rows.Lanes);
        for (var r = first; r < first + count && low < high; r++)
        {
            var p = t.P + (r * ld);
            var d = t.D + (r * ld);
            Hide(p, low, high, t.Begin[r] - key, t.End[r] - key, float.NegativeInfinity);
            Hide(d, low, high, t.Begin[r] - key, t.End[r] - key, 0);
            var (shift, less) = (Vector512.Create(lse[r]), Vector512.Create(delta[r]));
            for (var i = low; i < high; i += Rows.Lanes)
            {
                var probability = Rows.Exp2(Vector512.Load(p + i) - shift);
                probability.Store(p + i);
                (probability * (Vector512.Load(d + i) - less)).Store(d + i);
            }

            Vector512<float>.Zero.Store(p + high);
            Vector512<float>.Zero.Store(d + high);
            if (low > 0)
            {
                Vector512<float>.Zero.Store(p + low - Rows.Lanes);
                Vector512<float>.Zero.Store(d + low - Rows.Lanes);
            }
        }
    }

    /// <summary>dv += P' dOutput, dk += D' q.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddKeyGradients(in BackwardArguments a, in BackwardTiles t, int first, int count, int key, int keys)
    {
        var (height, width) = (a.Kernels.TileRows, a.Kernels.TileColumns);
        ref readonly var s = ref a.Shape;
        var (ldK, ldV, ldS) = (Dense(s.KeyWidth), Dense(s.ValueWidth), KeyTile(s) + Skew);
        var valueGradient = TileProduct.OfTransposed(a.Kernels, ldS, ldV, ldV);
        var keyGradient = TileProduct.OfTransposed(a.Kernels, ldS, ldK, ldK);
        for (var j = 0; j < keys; j += height)
        {
            var rows = Math.Min(height, keys - j);
            var (begin, end) = RowsThatSee(s, key + j, rows);
            begin = Math.Max(begin - first, 0);
            end = Math.Min(end - first, count);
            if (begin >= end)
            {
                continue;
            }

            for (var x = 0; x < s.ValueWidth; x += width)
            {
                valueGradient.Run(
                    t.P + (begin * ldS) + j, t.OutputGradient + (begin * ldV) + x, t.ValueGradient + (j * ldV) + x, rows, Math.Min(width, s.ValueWidth - x),
                    end - begin, true);
            }

            for (var x = 0; x < s.KeyWidth; x += width)
            {
                keyGradient.Run(
                    t.D + (begin * ldS) + j, t.Queries + (begin * ldK) + x, t.KeyGradient + (j * ldK) + x, rows, Math.Min(width, s.KeyWidth - x),
                    end - begin, true);
            }
        }
    }

    /// <summary>dq += Scale D k, or = in the first tile that a row sees.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddQueryGradient(in BackwardArguments a, in BackwardTiles t, int batch, int head, int first, int count, int key, int keys)
    {
        var (height, width) = (a.Kernels.TileRows, a.Kernels.TileColumns);
        ref readonly var s = ref a.Shape;
        var (ldK, ldS) = (Dense(s.KeyWidth), KeyTile(s) + Skew);
        var product = TileProduct.Of(a.Kernels, ldS, ldK);
        for (var i = 0; i < count; i += height)
        {
            var rows = Math.Min(height, count - i);
            var from = Math.Max(t.Begin[i] - key, 0);
            var to = Math.Min(t.End[i + rows - 1] - key, keys);
            if (from >= to)
            {
                continue;
            }

            for (var x = 0; x < s.KeyWidth; x += width)
            {
                product.Run(
                    t.D + (i * ldS) + from, t.Keys + (x * KeyTile(s)) + (from * width), t.QueryGradient + (i * ldK) + x, rows,
                    Math.Min(width, s.KeyWidth - x), to - from, false);
            }

            var isFirst = t.Begin[i] >= key;
            var (token, member) = Math.DivRem(first + i, s.Group);
            for (var r = i; r < i + rows; r++)
            {
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

                if (++member == s.Group)
                {
                    member = 0;
                    token++;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
