using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Evaluation;

internal static partial class Meaning
{
    private static NDArray Gather(NDArray table, NDArray index)
    {
        var rest = table.Shape.RemoveAt(0);
        var result = new NDArray([.. index.Shape, .. rest]);
        var width = rest.Aggregate(1, (a, b) => a * b);
        for (var i = 0; i < index.Data.Length; i++)
        {
            Array.Copy(table.Data, (int)index.Data[i] * width, result.Data, i * width, width);
        }

        return result;
    }

    private static NDArray GatherGradient(NDArray index, NDArray gradient, int rows)
    {
        var rest = gradient.Shape.Skip(index.Rank).ToArray();
        var result = new NDArray([rows, .. rest]);
        var width = rest.Aggregate(1, (a, b) => a * b);
        for (var i = 0; i < gradient.Data.Length; i++)
        {
            result.Data[(int)index.Data[i / width] * width + i % width] += gradient.Data[i];
        }

        return result;
    }

    private static NDArray TakeAlong(NDArray x, NDArray index) =>
        new(index.Shape, index.Data.Select((chosen, i) => x.Data[i / index.Last * x.Last + (int)chosen]).ToArray());

    private static NDArray PutAlong(NDArray index, NDArray values, int length)
    {
        var result = new NDArray(values.Shape.SetItem(values.Rank - 1, length));
        for (var i = 0; i < values.Data.Length; i++)
        {
            result.Data[i / values.Last * length + (int)index.Data[i]] += values.Data[i];
        }

        return result;
    }

    private static NDArray Top(Top o, NDArray x)
    {
        var result = new NDArray(x.Shape.SetItem(x.Rank - 1, o.Count));
        var size = x.Last / o.Groups;
        for (var row = 0; row < x.Data.Length / x.Last; row++)
        {
            var scores = x.Data.Skip(row * x.Last).Take(x.Last).ToArray();

            // OrderByDescending is stable, so ties go to the lower index.
            var groups = Enumerable.Range(0, o.Groups)
                .OrderByDescending(g => scores.Skip(g * size).Take(size).OrderByDescending(s => s).Take(o.GroupTop).Sum())
                .Take(o.Keep);
            var candidates = groups.OrderBy(g => g).SelectMany(g => Enumerable.Range(g * size, size));
            var chosen = candidates.OrderByDescending(e => scores[e]).Take(o.Count).ToArray();
            for (var i = 0; i < o.Count; i++)
            {
                result.Data[row * o.Count + i] = chosen[i];
            }
        }

        return result;
    }
}
