using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Evaluation;

internal static partial class Meaning
{
    private static NDArray Contract(Contract o, NDArray a, NDArray b)
    {
        var (m, k) = o.TransposeLeft ? (a.Last, a.Shape[a.Rank - 2]) : (a.Shape[a.Rank - 2], a.Last);
        var n = o.TransposeRight ? b.Shape[b.Rank - 2] : b.Last;
        var result = new NDArray([.. a.Shape.Take(a.Rank - 2), m, n]);
        for (var batch = 0; batch < result.Data.Length / Math.Max(m * n, 1); batch++)
        {
            for (var i = 0; i < m; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    var sum = 0.0;
                    for (var l = 0; l < k; l++)
                    {
                        sum += a.Data[batch * m * k + (o.TransposeLeft ? l * m + i : i * k + l)]
                            * b.Data[batch * k * n + (o.TransposeRight ? j * k + l : l * n + j)];
                    }

                    result.Data[(batch * m + i) * n + j] = sum;
                }
            }
        }

        return result;
    }

    private static NDArray GroupedContract(GroupedContract o, NDArray x, NDArray w, NDArray offsets)
    {
        var k = x.Last;
        var n = o.TransposeRight ? w.Shape[1] : w.Shape[2];
        var result = new NDArray([x.Shape[0], n]);
        foreach (var (expert, row) in RowsOfExperts(offsets))
        {
            for (var j = 0; j < n; j++)
            {
                for (var l = 0; l < k; l++)
                {
                    result.Data[row * n + j] += x.Data[row * k + l] * w.Data[expert * k * n + (o.TransposeRight ? j * k + l : l * n + j)];
                }
            }
        }

        return result;
    }

    private static NDArray GroupedOuter(NDArray a, NDArray b, NDArray offsets)
    {
        var (p, q) = (a.Last, b.Last);
        var result = new NDArray([offsets.Data.Length - 1, p, q]);
        foreach (var (expert, row) in RowsOfExperts(offsets))
        {
            for (var i = 0; i < p; i++)
            {
                for (var j = 0; j < q; j++)
                {
                    result.Data[(expert * p + i) * q + j] += a.Data[row * p + i] * b.Data[row * q + j];
                }
            }
        }

        return result;
    }

    private static IEnumerable<(int Expert, int Row)> RowsOfExperts(NDArray offsets)
    {
        for (var expert = 0; expert < offsets.Data.Length - 1; expert++)
        {
            for (var row = (int)offsets.Data[expert]; row < (int)offsets.Data[expert + 1]; row++)
            {
                yield return (expert, row);
            }
        }
    }
}
