using System.Numerics;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// Replaces the points of a box by the Chebyshev nodes of the box, with weights such that sums over the points of any polynomial below the number of nodes
/// in each coordinate are kept: the interpolation of the black-box fast multipole method (Fong and Darve, 2009). Weights may be negative.
/// </summary>
/// <param name="nodes">The number of nodes along each column.</param>
internal readonly unsafe ref struct ChebyshevWeights(ReadOnlySpan<int> nodes)
{
    // The last column stands in whole vectors.
    private const int Lanes = 8;

    // |f^(p)| <= 1.09 h^p sqrt(p!) for a Gaussian of unit variance and a box of half-width h (Cramer's bound of Hermite functions).
    private const double Cramer = 1.09;

    private readonly ReadOnlySpan<int> _nodes = nodes;

    /// <summary>
    /// The fewest nodes that interpolate exp(-(x - X)^2 / 2) in X, and its product with x - X, over a box of a half-width to an absolute error; more than
    /// <paramref name="most"/> if that many do not.
    /// </summary>
    public static int NodesFor(double halfWidth, double error, int most)
    {
        // (half-width)^p / (2^(p-1) sqrt(p!)), step by step.
        var bound = Cramer * 2;
        for (var p = 1; p <= most; p++)
        {
            bound *= halfWidth / (2 * Math.Sqrt(p));
            if (bound * Math.Sqrt(p + 1) <= error)
            {
                return p;
            }
        }

        return most + 1;
    }

    /// <summary>The number of numbers that <see cref="Fill"/> works with.</summary>
    public static int WorkDoubles(ReadOnlySpan<int> nodes)
    {
        var (all, longest) = (1, Padded(nodes[^1]));
        foreach (var p in nodes)
        {
            longest = Math.Max(longest, p);
        }

        foreach (var p in nodes[..^1])
        {
            all *= p;
        }

        all *= Padded(nodes[^1]);
        return (2 * all) + (nodes.Length * (longest + Lanes)) + (longest * longest);
    }

    /// <summary>Puts the nodes of a box and their weights, and returns how many they are.</summary>
    /// <param name="data">The points.</param>
    /// <param name="begin">The first point of the box.</param>
    /// <param name="end">The end of its points.</param>
    /// <param name="low">The box.</param>
    /// <param name="high">The box.</param>
    /// <param name="target">Where nodes go to.</param>
    /// <param name="place">The place of the first.</param>
    /// <param name="work"><see cref="WorkDoubles"/> numbers.</param>
    public int Fill<T>(PointBlocks<T> data, int begin, int end, ReadOnlySpan<double> low, ReadOnlySpan<double> high, PointBlocks<T> target, int place, Span<double> work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var d = _nodes.Length;
        var last = Padded(_nodes[^1]);
        var rows = 1;
        foreach (var p in _nodes[..^1])
        {
            rows *= p;
        }

        var moments = work[..(rows * last)];
        moments.Clear();
        Moments(data, begin, end, low, high, moments, work[(2 * rows * last)..]);
        var values = ToNodes(moments, work.Slice(rows * last, rows * last), work[(2 * rows * last)..], last);
        Span<int> index = stackalloc int[d];
        index.Clear();
        var count = rows * _nodes[^1];
        for (var node = 0; node < count; node++)
        {
            var point = target.Column(place + node);
            for (var j = 0; j < d; j++)
            {
                var u = Node(index[j], _nodes[j]);
                point[j * PointBlocks<T>.Size] = T.CreateTruncating((0.5 * (low[j] + high[j])) + (0.5 * (high[j] - low[j]) * u));
            }

            target.Weights[place + node] = T.CreateTruncating(values[(node / _nodes[^1] * last) + (node % _nodes[^1])]);
            for (var j = d - 1; j >= 0 && ++index[j] == _nodes[j]; j--)
            {
                index[j] = 0;
            }
        }

        return count;
    }

    private static int Padded(int nodes) => (nodes + Lanes - 1) & -Lanes;

    private static double Node(int k, int nodes) => Math.Cos((2 * k + 1) * Math.PI / (2 * nodes));

    // Sums over the points of products of Chebyshev polynomials, one a column.
    private void Moments<T>(PointBlocks<T> data, int begin, int end, ReadOnlySpan<double> low, ReadOnlySpan<double> high, Span<double> moments, Span<double> work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var d = _nodes.Length;
        var stride = work.Length / d;
        for (var place = begin; place < end; place++)
        {
            var point = data.Column(place);
            for (var j = 0; j < d; j++)
            {
                var half = 0.5 * (high[j] - low[j]);
                var u = half == 0 ? 0 : (double.CreateTruncating(point[j * PointBlocks<T>.Size]) - (0.5 * (low[j] + high[j]))) / half;
                var polynomials = work.Slice(j * stride, _nodes[j]);
                polynomials[0] = 1;
                if (polynomials.Length > 1)
                {
                    polynomials[1] = u;
                }

                for (var k = 2; k < polynomials.Length; k++)
                {
                    polynomials[k] = (2 * u * polynomials[k - 1]) - polynomials[k - 2];
                }
            }

            Add(moments, work, stride, 0, 1, 0);
        }
    }

    // One column after the other; the last one in vectors. Returns how many rows of the last column are done.
    private int Add(Span<double> moments, ReadOnlySpan<double> polynomials, int stride, int column, double factor, int row)
    {
        var own = polynomials.Slice(column * stride, _nodes[column]);
        if (column < _nodes.Length - 1)
        {
            foreach (var value in own)
            {
                row = Add(moments, polynomials, stride, column + 1, factor * value, row);
            }

            return row;
        }

        var padded = Padded(own.Length);
        fixed (double* from = own, to = moments[(row * padded)..])
        {
            var scale = Vector512.Create(factor);
            for (var k = 0; k < padded; k += Lanes)
            {
                Vector512.FusedMultiplyAdd(scale, Vector512.Load(from + k), Vector512.Load(to + k)).Store(to + k);
            }
        }

        return row + 1;
    }

    // Each column in turn: w_k = m_0 / p + 2 / p sum_j T_j(u_k) m_j.
    private Span<double> ToNodes(Span<double> from, Span<double> to, Span<double> work, int last)
    {
        var inner = last;
        for (var j = _nodes.Length - 1; j >= 0; j--)
        {
            var p = _nodes[j];
            var length = j == _nodes.Length - 1 ? last : p;
            var step = j == _nodes.Length - 1 ? 1 : inner;
            var table = work[..(p * p)];
            for (var k = 0; k < p; k++)
            {
                for (var m = 0; m < p; m++)
                {
                    table[(k * p) + m] = (m == 0 ? 1.0 : 2.0) / p * Math.Cos(m * (2 * k + 1) * Math.PI / (2 * p));
                }
            }

            var group = length * step;
            for (var outer = 0; outer < from.Length; outer += group)
            {
                for (var k = 0; k < p; k++)
                {
                    for (var i = 0; i < step; i++)
                    {
                        var sum = 0.0;
                        for (var m = 0; m < p; m++)
                        {
                            sum += table[(k * p) + m] * from[outer + (m * step) + i];
                        }

                        to[outer + (k * step) + i] = sum;
                    }
                }
            }

            inner = group;
            var swap = from;
            from = to;
            to = swap;
        }

        return from;
    }
}
