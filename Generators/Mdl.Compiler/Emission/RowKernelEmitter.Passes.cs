using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>Passes over a row: loops over columns that reduce and store.</summary>
internal partial class RowKernelEmitter
{
    private void Pass(int pass)
    {
        var reductions = new List<Value>();
        foreach (var level in _levels)
        {
            if (level.Value == pass)
            {
                reductions.Add(level.Key);
            }
        }

        reductions.Sort((a, b) => a.Node.CompareTo(b.Node));
        var roots = _kernel.Roots.FindAll(r => r.Kind != RootKind.Select && LevelOf(r) == pass);
        var widths = new List<Dim>();
        foreach (var width in reductions.ConvertAll(ReducedWidth).Concat(roots.ConvertAll(r => WidthOf(_plan.Fuser.SpaceOf(r)))))
        {
            if (!widths.Contains(width))
            {
                widths.Add(width);
            }
        }

        foreach (var width in widths)
        {
            var sums = reductions.FindAll(v => ReducedWidth(v).Equals(width));
            var stores = roots.FindAll(r => WidthOf(_plan.Fuser.SpaceOf(r)).Equals(width));
            Columns(width, sums, stores.FindAll(r => r.Kind != RootKind.SerialReduce));
            foreach (var serial in stores.FindAll(r => r.Kind == RootKind.SerialReduce))
            {
                Columns(width, [], [serial]);
            }
        }

        foreach (var root in _kernel.Roots)
        {
            if (root.Kind == RootKind.Select && LevelOf(root) == pass)
            {
                Choose(root);
            }
        }
    }

    private void Choose(Root root)
    {
        var node = Graph.Nodes[root.Value.Node];
        var inputs = node.Inputs.Select((v, i) => RowOf(_plan.Fuser.TemplateInput(node, i), Graph.Type(v).Element)).ToList();
        var output = RowOf(StridedView.Dense(Graph, root.Value), node.Types[0].Element);
        string Count(int input) => "(int)" + Text(Graph.Type(node.Inputs[input]).Last);
        _row.Line(node.Operation switch
        {
            Top top => $"RowSelection.Top({inputs[0]}, {output}, {Count(0)}, {top.Count}, {top.Groups}, {top.Keep}, {top.GroupTop});",
            TakeAlong => $"RowSelection.Take({inputs[0]}, {inputs[1]}, {output}, {Count(1)});",
            PutAlong put => $"RowSelection.Put({inputs[0]}, {inputs[1]}, {output}, (int){Text(put.Length)}, {Count(0)});",
            _ => throw new InvalidOperationException($"{node.Operation} is no selection"),
        });
    }

    /// <summary>The memory of the row in hand.</summary>
    private string RowOf(StridedView view, ElementType element)
    {
        var row = _kernel.Rows.IsOne ? Linear.Zero : Linear.Row.Times(view.Shape[view.Shape.Count - 1]);
        return Address(_plan.Stored[view.Base], element, row.Plus(view.Offset), out _);
    }

    private Dim ReducedWidth(Value reduction) => WidthOf(Graph.Type(Graph.Nodes[reduction.Node].Inputs[0]).Shape);

    private void Columns(Dim width, List<Value> reductions, List<Root> roots)
    {
        if (reductions.Count == 0 && roots.Count == 0)
        {
            return;
        }

        var loops = _buffers.Loops.Restart(5);
        foreach (var reduction in reductions)
        {
            Declare(_row, reduction.Node, IsMaximum(reduction) ? "float.NegativeInfinity" : "0f");
        }

        if (width.IsConstant)
        {
            var bounds = new SortedSet<long> { 0, width.Constant };
            Bounds(reductions, roots, bounds);
            var cuts = bounds.Where(b => b >= 0 && b <= width.Constant).ToList();
            for (var i = 0; i + 1 < cuts.Count; i++)
            {
                var (start, end) = (cuts[i], cuts[i + 1]);
                (_segmentStart, _segmentEnd) = (start, end);
                foreach (var (header, vector) in Headers(start, end, IsInt))
                {
                    Body(loops, header, vector, reductions, roots);
                }
            }
        }
        else
        {
            (_segmentStart, _segmentEnd) = (0, long.MaxValue);
            foreach (var (header, vector) in Headers(Text(width), IsInt))
            {
                Body(loops, header, vector, reductions, roots);
            }
        }

        _row.Raw(loops);
        foreach (var reduction in reductions)
        {
            _row.Line($"var x{Number(reduction.Node)} = {Reduced(reduction.Node, IsMaximum(reduction))};");
            _reductions[reduction] = $"x{Number(reduction.Node)}";
        }
    }

    /// <summary>The variables that a reduction adds to.</summary>
    protected virtual void Declare(CodeWriter code, int node, string start)
    {
        code.Line($"var v{node} = Vector512.Create({start});");
        code.Line($"var s{node} = {start};");
    }

    /// <summary>The result of a reduction after its loops.</summary>
    protected virtual string Reduced(int node, bool isMaximum) =>
        isMaximum ? $"Simd.Maximum(Simd.Highest(v{Number(node)}), s{Number(node)})" : $"Vector512.Sum(v{Number(node)}) + s{Number(node)}";

    /// <summary>The loops over columns start .. end - 1, and whether each computes whole vectors.</summary>
    protected virtual IEnumerable<(string Header, bool IsVector)> Headers(long start, long end, bool isInt)
    {
        var main = isInt ? 0 : (end - start) / 16 * 16;
        if (main > 0)
        {
            yield return ($"for (long c = {start}; c < {start + main}; c += 16)", true);
        }

        if (start + main < end)
        {
            yield return ($"for (long c = {start + main}; c < {end}; c++)", false);
        }
    }

    /// <summary>The loops over as many columns as only the run knows.</summary>
    protected virtual IEnumerable<(string Header, bool IsVector)> Headers(string width, bool isInt)
    {
        if (!isInt)
        {
            yield return ($"for (long c = 0; c + 16 <= {width}; c += 16)", true);
        }

        yield return ($"for (long c = {(isInt ? "0" : $"{width} / 16 * 16")}; c < {width}; c++)", false);
    }

    /// <summary>Adds a value to the sum of its column.</summary>
    protected virtual string AddToColumn(int node, string value, bool isVector)
    {
        var sums = $"sums{Number(node)} + c";
        return isVector ? $"(Vector512.Load({sums}) + {value}).Store({sums});" : $"*({sums}) += {value};";
    }

    private bool IsMaximum(Value reduction) => ((Reduce)Graph.Nodes[reduction.Node].Operation).Function == ReduceFunction.Maximum;

    private void Bounds(List<Value> reductions, List<Root> roots, SortedSet<long> bounds)
    {
        var seen = _buffers.TakePlaces();
        foreach (var reduction in reductions)
        {
            var input = Graph.Nodes[reduction.Node].Inputs[0];
            Walk(input, _plan.Fuser.RootIndex(Graph.Type(input).Shape), false);
        }

        foreach (var root in roots)
        {
            var node = Graph.Nodes[root.Value.Node];
            var at = _plan.Fuser.RootIndex(_plan.Fuser.SpaceOf(root));
            if (root.Kind == RootKind.Store)
            {
                Walk(root.Value, at, root.Concat is null);
            }
            else
            {
                Walk(node.Inputs[0], root.Kind == RootKind.SerialReduce ? _plan.Fuser.ReducedIndex(node, at) : at, false);
            }
        }

        _buffers.Return(seen);

        void Walk(Value value, Linear[] at, bool isRoot)
        {
            if ((!isRoot && !Inlines(value, at)) || !seen.Add(new(value, at)))
            {
                return;
            }

            var node = Graph.Nodes[value.Node];
            if (node.Operation is Reduce)
            {
                return;
            }

            if (node.Operation is Concat concat && IndexFlow.ChoosesByColumn(Graph, node, at))
            {
                var edge = -at[concat.Axis].Offset.Constant;
                foreach (var input in node.Inputs)
                {
                    bounds.Add(edge);
                    edge += Graph.Type(input).Shape[concat.Axis].Constant;
                }

                bounds.Add(edge);
            }

            for (var i = 0; i < node.Inputs.Count; i++)
            {
                if (_plan.Fuser.Into(value, i, at) is { } into)
                {
                    Walk(node.Inputs[i], into, false);
                }
            }
        }
    }

    private void Body(CodeWriter loops, string header, bool vector, List<Value> reductions, List<Root> roots)
    {
        _vector = vector;
        _loopMemo.Clear();
        var serial = roots.Find(r => r.Kind == RootKind.SerialReduce);
        _loop.Restart(serial is null ? 6 : 7);
        foreach (var reduction in reductions)
        {
            var input = Graph.Nodes[reduction.Node].Inputs[0];
            var value = Columnwise(Eval(input, _plan.Fuser.RootIndex(Graph.Type(input).Shape)));
            var sum = (vector ? "v" : "s") + Number(reduction.Node);
            _loop.Line(IsMaximum(reduction) ? $"{sum} = {Library}.Maximum({sum}, {value});" : $"{sum} += {value};");
        }

        foreach (var root in roots)
        {
            if (root == serial)
            {
                continue;
            }

            var space = _plan.Fuser.SpaceOf(root);
            var at = _plan.Fuser.RootIndex(space);
            if (root.Kind == RootKind.ColumnReduce)
            {
                var value = Columnwise(Eval(Graph.Nodes[root.Value.Node].Inputs[0], at));
                _loop.Line(AddToColumn(root.Value.Node, value, vector));
            }
            else
            {
                Store(root, at, Columnwise(Eval(root.Value, at, isRoot: root.Concat is null)));
            }
        }

        if (serial is not null)
        {
            Serial(loops, header, serial);
            return;
        }

        loops.Open(header);
        loops.Raw(_loop);
        loops.Close();
    }

    private void Serial(CodeWriter loops, string header, Root root)
    {
        var node = Graph.Nodes[root.Value.Node];
        var reduce = (Reduce)node.Operation;
        var at = _plan.Fuser.RootIndex(_plan.Fuser.SpaceOf(root));
        var value = Columnwise(Eval(node.Inputs[0], _plan.Fuser.ReducedIndex(node, at)));
        var shape = Graph.Type(node.Inputs[0]).Shape;
        var start = reduce.Function == ReduceFunction.Maximum ? "float.NegativeInfinity" : "0f";
        loops.Open(header);
        loops.Line(_vector ? $"var sum = Vector512.Create({start});" : $"var sum = {start};");
        loops.Open($"for ({IndexType} j = 0; j < {Text(Dim.Product(reduce.Axes.Select(a => shape[a])))}; j++)");
        loops.Raw(_loop);
        loops.Line(reduce.Function == ReduceFunction.Maximum ? $"sum = {Library}.Maximum(sum, {value});" : $"sum += {value};");
        loops.Close();
        _loop.Restart(6);
        Store(root, at, "sum");
        loops.Raw(_loop);
        loops.Close();
    }

    private void Store(Root root, Linear[] at, string value)
    {
        var offset = Dim.Zero;
        var target = root.Concat ?? root.Value;
        if (root.Concat is { } concat)
        {
            var node = Graph.Nodes[concat.Node];
            var axis = ((Concat)node.Operation).Axis;
            var strides = Graph.Type(concat).Strides;
            offset = node.Inputs.Take(root.Operand).Aggregate(Dim.Zero, (sum, v) => sum + Graph.Type(v).Shape[axis]) * strides[axis];
        }

        var address = Address(_plan.Stored[target], Graph.Type(target).Element, IndexFlow.Flatten(Graph.Type(target).Strides, at).Plus(offset), out var level);
        _loop.Line(_vector && level == Level.Column ? $"{value}.Store({address});" : Write(address, _vector ? value + ".ToScalar()" : value));
    }
}
