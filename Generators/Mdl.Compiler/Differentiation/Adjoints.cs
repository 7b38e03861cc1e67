using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

/// <summary>
/// The adjoint of each value: the sum of what its uses contribute, in the order in which the reverse sweep meets them. Contributions to slices are
/// kept apart until the sum is asked for, so that slices which tile an axis become one Concat.
/// </summary>
internal sealed class Adjoints(GraphBuilder builder, HashSet<Value> active)
{
    private readonly Dictionary<Value, List<Value>> _whole = [];
    private readonly Dictionary<Value, List<(Slice Slice, Value Gradient)>> _slices = [];

    public bool Wants(Value value) => active.Contains(value);

    public void Add(Value target, Value gradient)
    {
        if (Wants(target))
        {
            ListOf(_whole, target).Add(gradient);
        }
    }

    public void AddSlice(Value target, Slice slice, Value gradient)
    {
        if (Wants(target))
        {
            ListOf(_slices, target).Add((slice, gradient));
        }
    }

    /// <summary>The adjoint, or null where nothing that reaches the loss uses the value.</summary>
    public Value? Total(Value target)
    {
        var parts = _whole.TryGetValue(target, out var whole) ? whole.ToList() : [];
        if (_slices.TryGetValue(target, out var slices))
        {
            parts.AddRange(JoinSlices(target, slices));
        }

        if (parts.Count == 0)
        {
            return null;
        }

        var total = parts.Skip(1).Aggregate(parts[0], (a, b) => builder.Binary(BinaryFunction.Add, a, b));
        _whole[target] = [total];
        _slices.Remove(target);
        return total;
    }

    public Value TotalOrZero(Value target) => Total(target) ?? builder.Broadcast(builder.Constant(0), builder.Type(target).Shape);

    private IEnumerable<Value> JoinSlices(Value target, List<(Slice Slice, Value Gradient)> slices)
    {
        var distinct = slices
            .GroupBy(s => s.Slice)
            .Select(g => (Slice: g.Key, Gradient: g.Select(s => s.Gradient).Aggregate((a, b) => builder.Binary(BinaryFunction.Add, a, b))));
        foreach (var axis in distinct.GroupBy(s => s.Slice.Axis))
        {
            var length = builder.Type(target).Shape[axis.Key];
            var rest = axis.ToList();
            while (rest.Count > 0)
            {
                var chain = TakeChain(rest);
                var (start, end) = (chain[0].Slice.Start, chain[chain.Count - 1].Slice.Start + chain[chain.Count - 1].Slice.Length);
                var joined = chain.Count == 1 ? chain[0].Gradient : builder.Add(new Concat(axis.Key), chain.Select(s => s.Gradient));
                var after = length - end;
                yield return start.Equals(Dim.Zero) && after.Equals(Dim.Zero) ? joined : builder.Add(new Pad(axis.Key, start, after), joined);
            }
        }
    }

    /// <summary>Removes from the list a longest run of slices that follow each other without a gap.</summary>
    private static List<(Slice Slice, Value Gradient)> TakeChain(List<(Slice Slice, Value Gradient)> rest)
    {
        var first = rest.FindIndex(s => !rest.Any(o => o.Slice != s.Slice && (o.Slice.Start + o.Slice.Length).Equals(s.Slice.Start)));
        var chain = new List<(Slice Slice, Value Gradient)>();
        for (var next = Math.Max(first, 0); next >= 0;)
        {
            var slice = rest[next];
            chain.Add(slice);
            rest.RemoveAt(next);
            next = rest.FindIndex(s => s.Slice.Start.Equals(slice.Slice.Start + slice.Slice.Length));
        }

        return chain;
    }

    private static List<T> ListOf<T>(Dictionary<Value, List<T>> table, Value key)
    {
        if (!table.TryGetValue(key, out var list))
        {
            table[key] = list = [];
        }

        return list;
    }
}
