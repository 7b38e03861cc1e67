using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>
/// Writes one fused kernel: a struct with the pointers that it works on and a method that computes a chunk of rows. A row takes one pass per level of
/// row reductions; a pass is a vectorised loop over columns for each width, cut where a concatenation along the columns changes operand.
/// Expressions are computed once per pass and column, numbers that are the same for a whole row once per row.
/// </summary>
internal sealed class RowKernelEmitter
{
    private readonly ScopePlan _plan;
    private readonly RowKernel _kernel;
    private readonly List<(string Name, string Type, string Source)> _fields = [];
    private readonly Dictionary<Storage, string> _pointers = [];
    private readonly SortedSet<string> _symbols = new(StringComparer.Ordinal);
    private readonly Dictionary<Value, int> _levels = [];
    private readonly Dictionary<string, Operand> _rowMemo = new(StringComparer.Ordinal);
    private readonly Dictionary<Value, string> _reductions = [];
    private readonly CodeWriter _row = new(4);
    private Dictionary<string, Operand> _loopMemo = new(StringComparer.Ordinal);
    private CodeWriter _loop = new(5);
    private bool _vector;
    private long _segmentStart;
    private long _segmentEnd;
    private int _counter;

    public RowKernelEmitter(ScopePlan plan, RowKernel kernel)
    {
        _plan = plan;
        _kernel = kernel;
    }

    /// <summary>How far out an expression can be computed.</summary>
    private enum Level
    {
        Row,
        Inner,
        Column,
    }

    private readonly record struct Operand(string Text, Level Level);

    private Graph Graph => _plan.Graph;

    private bool IsInt => Graph.Type(_kernel.Roots[0].Value).Element == ElementType.I32;

    /// <summary>The struct's source, and the statements that launch it.</summary>
    public (string Kernel, string Launch) Emit(string summary)
    {
        var sums = new CodeWriter(3);
        var finish = new List<string>();
        foreach (var root in _kernel.Roots.Where(r => r.Kind == RootKind.ColumnReduce))
        {
            var width = WidthOf(_plan.Fuser.SpaceOf(root));
            var partial = Pointer(_plan.Partials[root.Value], ElementType.F32);
            sums.Line($"var sums{root.Value.Node} = {partial} + (chunk * {Text(width)});");
            sums.Line($"new Span<float>(sums{root.Value.Node}, (int){Text(width)}).Clear();");
            finish.Add($"RowLaunch.AddPartials({Of(_plan.Partials[root.Value])}, chunks, {Size(width)}, {Of(_plan.Stored[root.Value])});");
        }

        foreach (var root in _kernel.Roots)
        {
            LevelOf(root);
        }

        var last = Math.Max(_levels.Count == 0 ? -1 : _levels.Values.Max(), -1) + 1;
        for (var pass = 0; pass <= last; pass++)
        {
            Pass(pass);
        }

        var widest = _kernel.Roots.Select(r => WidthOf(_plan.Fuser.SpaceOf(r))).OrderByDescending(w => w.IsConstant ? w.Constant : long.MaxValue).First();
        var work = _kernel.Roots.Aggregate(Dim.Zero, (sum, r) => sum + WidthOf(_plan.Fuser.SpaceOf(r)));
        foreach (var symbol in widest.Symbols.Concat(work.Symbols).Concat(_kernel.Rows.Symbols))
        {
            _symbols.Add(symbol);
        }

        var most = finish.Count > 0 ? RowKernel.MostChunks : 4096;
        return (Struct(summary, sums.ToString()), Launch(finish, $"RowLaunch.Grain({Size(_kernel.Rows)}, {Size(work)}, {most})"));
    }

    private string Struct(string summary, string sums)
    {
        var code = new CodeWriter(1);
        foreach (var line in summary.Split('\n'))
        {
            code.Line("/// " + line);
        }

        code.Open($"private unsafe struct {_kernel.Name}");
        code.Line("public long Rows, Grain" + string.Concat(_symbols.Where(s => s != "past").Select(s => ", " + s)) + (_symbols.Contains("past") ? ", past" : "") + ";");
        foreach (var (name, type, _) in _fields)
        {
            code.Line($"public {type}* {name};");
        }

        code.Line();
        code.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        code.Open("public static void Run(void* arguments, int chunk, int worker)");
        code.Line($"var k = ({_kernel.Name}*)arguments;");
        foreach (var symbol in _symbols)
        {
            code.Line($"long {symbol} = k->{symbol};");
        }

        foreach (var (name, type, _) in _fields)
        {
            code.Line($"{type}* {name} = k->{name};");
        }

        code.Raw(sums);
        code.Line("long begin = chunk * k->Grain, end = Math.Min(k->Rows, begin + k->Grain);");
        code.Open("for (long r = begin; r < end; r++)");
        code.Raw(_row.ToString());
        code.Close();
        code.Close();
        code.Close();
        return code.ToString();
    }

    private string Launch(List<string> finish, string grain)
    {
        var code = new CodeWriter();
        code.Open("");
        code.Line($"var k = new {_kernel.Name}");
        code.Line("{");
        code.Line($"    Rows = {Size(_kernel.Rows)}, Grain = {grain},");
        foreach (var symbol in _symbols)
        {
            code.Line($"    {symbol} = {symbol},");
        }

        foreach (var (name, _, source) in _fields)
        {
            code.Line($"    {name} = {source},");
        }

        code.Line("};");
        code.Line("var chunks = (int)((k.Rows + k.Grain - 1) / k.Grain);");
        code.Line($"_team.Run(&{_kernel.Name}.Run, &k, chunks);");
        foreach (var line in finish)
        {
            code.Line(line);
        }

        code.Close();
        return code.ToString().TrimStart('\n');
    }

    private static Dim WidthOf(EquatableArray<Dim> shape) => shape.Count == 0 ? Dim.One : shape[shape.Count - 1];

    private string Text(Dim dim)
    {
        foreach (var symbol in dim.Symbols)
        {
            _symbols.Add(symbol);
        }

        return Size(dim);
    }

    private string Text(Linear index)
    {
        var parts = new List<string>();
        foreach (var (digit, coefficient) in index.Terms)
        {
            foreach (var symbol in digit.Divisor.Symbols.Concat(digit.Modulus?.Symbols ?? []).Concat(coefficient.Symbols))
            {
                _symbols.Add(symbol);
            }

            var text = Digit(digit);
            if (digit.Variable == LoopVariable.Row && text != "r")
            {
                text = RowLevel("digit " + text, $"long {{0}} = {text};", "q").Text;
            }
            else if (text.Contains(' '))
            {
                text = "(" + text + ")";
            }

            parts.Add(coefficient.IsOne ? text : $"{text} * {Text(coefficient)}");
        }

        if (!index.Offset.Equals(Dim.Zero) || parts.Count == 0)
        {
            parts.Add(Text(index.Offset));
        }

        return parts.Count == 1 ? parts[0] : "(" + string.Join(" + ", parts) + ")";
    }

    private Operand RowLevel(string key, string statement, string prefix)
    {
        if (!_rowMemo.TryGetValue(key, out var known))
        {
            known = new(prefix + (++_counter).ToString(CultureInfo.InvariantCulture), Level.Row);
            _row.Line(string.Format(CultureInfo.InvariantCulture, statement.Replace("{", "{{").Replace("}", "}}").Replace("{{0}}", "{0}"), known.Text));
            _rowMemo[key] = known;
        }

        return known;
    }

    private string Pointer(Storage storage, ElementType element)
    {
        if (!_pointers.TryGetValue(storage, out var name))
        {
            name = storage.Pointer.TrimStart('_') + (_fields.Any(f => f.Name == storage.Pointer.TrimStart('_')) ? "_" + _fields.Count.ToString(CultureInfo.InvariantCulture) : "");
            if (name is "r" or "c" or "j" or "k" or "begin" or "end" or "chunk" or "worker" or "arguments")
            {
                name += "0";
            }

            _pointers[storage] = name;
            _fields.Add((name, element == ElementType.I32 ? "int" : "float", Of(storage)));
        }

        return name;
    }

    // Levels of row reductions

    private int LevelOf(Root root)
    {
        var level = -1;
        var node = Graph.Nodes[root.Value.Node];
        var at = Fuser.RootIndex(_plan.Fuser.SpaceOf(root));
        var seen = new HashSet<(Value, string)>();
        if (root.Kind == RootKind.Store)
        {
            Walk(root.Value, at, true);
        }
        else
        {
            Walk(node.Inputs[0], root.Kind == RootKind.ColumnReduce ? at : _plan.Fuser.ReducedIndex(node, at), false);
        }

        return level + 1;

        void Walk(Value value, Linear[] index, bool isRoot)
        {
            if ((!isRoot && !Inlines(value, index)) || !seen.Add((value, Key(index))))
            {
                return;
            }

            var self = Graph.Nodes[value.Node];
            if (self.Operation is Reduce)
            {
                level = Math.Max(level, ReductionLevel(value));
                return;
            }

            for (var i = 0; i < self.Inputs.Count; i++)
            {
                if (IndexFlow.Into(Graph, self, i, index) is { } into)
                {
                    Walk(self.Inputs[i], into, false);
                }
            }
        }
    }

    private int ReductionLevel(Value reduction)
    {
        if (!_levels.TryGetValue(reduction, out var level))
        {
            var input = Graph.Nodes[reduction.Node].Inputs[0];
            level = LevelOf(new Root(input, RootKind.Store));
            _levels[reduction] = level;
        }

        return level;
    }

    private bool Inlines(Value value, Linear[] at)
    {
        var node = Graph.Nodes[value.Node];
        if (!IndexFlow.IsFusable(node.Operation))
        {
            return false;
        }

        return !_plan.Fuser.Roots.Contains(value)
            || (_kernel.Roots.Any(r => r.Value == value && r.Concat is null && r.Kind == RootKind.Store) && Fuser.IsRow(_kernel.Rows, Graph.Type(value).Shape, at)
                && !at.Any(x => x.Uses(LoopVariable.Inner)));
    }

    private static string Key(Linear[] at) => string.Join("|", at.Select(x => x.ToString()));

    // Passes

    private void Pass(int pass)
    {
        var reductions = _levels.Where(p => p.Value == pass).Select(p => p.Key).OrderBy(v => v.Node).ToList();
        var roots = _kernel.Roots.Where(r => LevelOf(r) == pass).ToList();
        var widths = reductions.Select(ReducedWidth).Concat(roots.Select(r => WidthOf(_plan.Fuser.SpaceOf(r)))).Distinct().ToList();
        foreach (var width in widths)
        {
            var sums = reductions.Where(v => ReducedWidth(v).Equals(width)).ToList();
            var stores = roots.Where(r => WidthOf(_plan.Fuser.SpaceOf(r)).Equals(width)).ToList();
            Columns(width, sums, [.. stores.Where(r => r.Kind != RootKind.SerialReduce)]);
            foreach (var serial in stores.Where(r => r.Kind == RootKind.SerialReduce))
            {
                Columns(width, [], [serial]);
            }
        }
    }

    private Dim ReducedWidth(Value reduction) => WidthOf(Graph.Type(Graph.Nodes[reduction.Node].Inputs[0]).Shape);

    private void Columns(Dim width, List<Value> reductions, List<Root> roots)
    {
        if (reductions.Count == 0 && roots.Count == 0)
        {
            return;
        }

        var loops = new CodeWriter(4);
        foreach (var reduction in reductions)
        {
            var start = IsMaximum(reduction) ? "float.NegativeInfinity" : "0f";
            _row.Line($"var v{reduction.Node} = Vector512.Create({start});");
            _row.Line($"var s{reduction.Node} = {start};");
        }

        if (width.IsConstant)
        {
            var bounds = new SortedSet<long> { 0, width.Constant };
            Bounds(reductions, roots, bounds);
            var cuts = bounds.Where(b => b >= 0 && b <= width.Constant).ToList();
            for (var i = 0; i + 1 < cuts.Count; i++)
            {
                var (start, end) = (cuts[i], cuts[i + 1]);
                var main = IsInt ? 0 : (end - start) / 16 * 16;
                (_segmentStart, _segmentEnd) = (start, end);
                if (main > 0)
                {
                    Body(loops, $"for (long c = {start}; c < {start + main}; c += 16)", true, reductions, roots);
                }

                if (start + main < end)
                {
                    Body(loops, end - start == 1 ? $"for (long c = {start}; c < {end}; c++)" : $"for (long c = {start + main}; c < {end}; c++)", false, reductions, roots);
                }
            }
        }
        else
        {
            (_segmentStart, _segmentEnd) = (0, long.MaxValue);
            if (!IsInt)
            {
                Body(loops, $"for (long c = 0; c + 16 <= {Text(width)}; c += 16)", true, reductions, roots);
            }

            Body(loops, $"for (long c = {(IsInt ? "0" : $"{Text(width)} / 16 * 16")}; c < {Text(width)}; c++)", false, reductions, roots);
        }

        _row.Raw(loops.ToString());
        foreach (var reduction in reductions)
        {
            var both = IsMaximum(reduction) ? $"Simd.Maximum(Simd.Highest(v{reduction.Node}), s{reduction.Node})" : $"Vector512.Sum(v{reduction.Node}) + s{reduction.Node}";
            _row.Line($"var x{reduction.Node} = {both};");
            _reductions[reduction] = $"x{reduction.Node}";
        }
    }

    private bool IsMaximum(Value reduction) => ((Reduce)Graph.Nodes[reduction.Node].Operation).Function == ReduceFunction.Maximum;

    private void Bounds(List<Value> reductions, List<Root> roots, SortedSet<long> bounds)
    {
        var seen = new HashSet<(Value, string)>();
        foreach (var reduction in reductions)
        {
            var input = Graph.Nodes[reduction.Node].Inputs[0];
            Walk(input, Fuser.RootIndex(Graph.Type(input).Shape), false);
        }

        foreach (var root in roots)
        {
            var node = Graph.Nodes[root.Value.Node];
            var at = Fuser.RootIndex(_plan.Fuser.SpaceOf(root));
            if (root.Kind == RootKind.Store)
            {
                Walk(root.Value, at, true);
            }
            else
            {
                Walk(node.Inputs[0], root.Kind == RootKind.SerialReduce ? _plan.Fuser.ReducedIndex(node, at) : at, false);
            }
        }

        void Walk(Value value, Linear[] at, bool isRoot)
        {
            if ((!isRoot && !Inlines(value, at)) || !seen.Add((value, Key(at))))
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
                if (IndexFlow.Into(Graph, node, i, at) is { } into)
                {
                    Walk(node.Inputs[i], into, false);
                }
            }
        }
    }

    private void Body(CodeWriter loops, string header, bool vector, List<Value> reductions, List<Root> roots)
    {
        _vector = vector;
        _loopMemo = new(StringComparer.Ordinal);
        var serial = roots.FirstOrDefault(r => r.Kind == RootKind.SerialReduce);
        _loop = new CodeWriter(serial is null ? 5 : 6);
        foreach (var reduction in reductions)
        {
            var input = Graph.Nodes[reduction.Node].Inputs[0];
            var value = Columnwise(Eval(input, Fuser.RootIndex(Graph.Type(input).Shape)));
            var sum = (vector ? "v" : "s") + reduction.Node.ToString(CultureInfo.InvariantCulture);
            _loop.Line(IsMaximum(reduction) ? $"{sum} = Simd.Maximum({sum}, {value});" : $"{sum} += {value};");
        }

        foreach (var root in roots.Where(r => r != serial))
        {
            var space = _plan.Fuser.SpaceOf(root);
            var at = Fuser.RootIndex(space);
            if (root.Kind == RootKind.ColumnReduce)
            {
                var value = Columnwise(Eval(Graph.Nodes[root.Value.Node].Inputs[0], at));
                var sums = $"sums{root.Value.Node} + c";
                _loop.Line(vector ? $"(Vector512.Load({sums}) + {value}).Store({sums});" : $"*({sums}) += {value};");
            }
            else
            {
                Store(root, at, Columnwise(Eval(root.Value, at, isRoot: true)));
            }
        }

        if (serial is not null)
        {
            Serial(loops, header, serial);
            return;
        }

        loops.Open(header);
        loops.Raw(_loop.ToString());
        loops.Close();
    }

    private void Serial(CodeWriter loops, string header, Root root)
    {
        var node = Graph.Nodes[root.Value.Node];
        var reduce = (Reduce)node.Operation;
        var at = Fuser.RootIndex(_plan.Fuser.SpaceOf(root));
        var value = Columnwise(Eval(node.Inputs[0], _plan.Fuser.ReducedIndex(node, at)));
        var shape = Graph.Type(node.Inputs[0]).Shape;
        var start = reduce.Function == ReduceFunction.Maximum ? "float.NegativeInfinity" : "0f";
        loops.Open(header);
        loops.Line(_vector ? $"var sum = Vector512.Create({start});" : $"var sum = {start};");
        loops.Open($"for (long j = 0; j < {Text(Dim.Product(reduce.Axes.Select(a => shape[a])))}; j++)");
        loops.Raw(_loop.ToString());
        loops.Line(reduce.Function == ReduceFunction.Maximum ? $"sum = Simd.Maximum(sum, {value});" : $"sum += {value};");
        loops.Close();
        _loop = new CodeWriter(5);
        Store(root, at, "sum");
        loops.Raw(_loop.ToString());
        loops.Close();
    }

    private void Store(Root root, Linear[] at, string value)
    {
        Dim[] strides;
        var offset = Dim.Zero;
        var target = root.Concat ?? root.Value;
        if (root.Concat is { } concat)
        {
            var node = Graph.Nodes[concat.Node];
            var axis = ((Concat)node.Operation).Axis;
            strides = IndexFlow.Strides(Graph.Type(concat).Shape);
            offset = node.Inputs.Take(root.Operand).Aggregate(Dim.Zero, (sum, v) => sum + Graph.Type(v).Shape[axis]) * strides[axis];
        }
        else
        {
            strides = IndexFlow.Strides(Graph.Type(root.Value).Shape);
        }

        var address = Address(_plan.Stored[target], Graph.Type(target).Element, IndexFlow.Flatten(strides, at).Plus(offset), out var level);
        _loop.Line(_vector && level == Level.Column ? $"{value}.Store({address});" : $"*({address}) = {(_vector ? value + ".ToScalar()" : value)};");
    }

    /// <summary>A pointer expression; Level.Column if it moves with the columns.</summary>
    private string Address(Storage storage, ElementType element, Linear flat, out Level level)
    {
        var pointer = Pointer(storage, element);
        var moving = flat.Terms.Where(t => t.Digit.Variable == LoopVariable.Column).ToList();
        var fixedTerms = flat.Terms.Where(t => t.Digit.Variable != LoopVariable.Column).ToEquatableArray();
        var constant = flat.Offset.IsConstant ? flat.Offset : Dim.Zero;
        var rest = new Linear(fixedTerms, flat.Offset - constant);
        var start = pointer;
        if (!rest.IsZero)
        {
            start = rest.Uses(LoopVariable.Inner)
                ? $"{pointer} + {Text(rest)}"
                : RowLevel($"pointer {pointer} {rest}", $"var {{0}} = {pointer} + {Text(rest)};", pointer + "_").Text;
        }

        level = moving.Count > 0 ? Level.Column : rest.Uses(LoopVariable.Inner) ? Level.Inner : Level.Row;
        var column = moving.Count == 0 ? "" : moving[0].Coefficient.IsOne ? " + c" : $" + c * {Text(moving[0].Coefficient)}";
        return start + column + Plus(constant);
    }

    // Expressions

    private string Columnwise(Operand operand)
    {
        if (!_vector || operand.Level == Level.Column)
        {
            return operand.Text;
        }

        return operand.Level == Level.Row
            ? RowLevel($"wide {operand.Text}", $"var {{0}} = Vector512.Create({operand.Text});", "b").Text
            : $"Vector512.Create({operand.Text})";
    }

    private Operand Eval(Value value, Linear[] at, bool isRoot = false)
    {
        if (_reductions.TryGetValue(value, out var reduced) && Fuser.IsRow(_kernel.Rows, Graph.Type(value).Shape, at))
        {
            return new(reduced, Level.Row);
        }

        var key = $"{value} {Key(at)}";
        if (_rowMemo.TryGetValue(key, out var known) || _loopMemo.TryGetValue(key, out known))
        {
            return known;
        }

        var node = Graph.Nodes[value.Node];
        if (!isRoot && !Inlines(value, at))
        {
            return Keep(key, Load(value, IndexFlow.Strides(Graph.Type(value).Shape), at, value, Dim.Zero), "m", value);
        }

        switch (node.Operation)
        {
            case Constant constant:
                return new(Float(constant.Value), Level.Row);
            case SizeOf size:
                return new($"(float)({Text(size.Size)})", Level.Row);
            case Iota:
                return Counter(at[0], "");
            case Positions:
                _symbols.Add("past");
                return Counter(at[0], "past + ");
            case Concat concat:
                return Eval(Chosen(node, concat, at, out var chosen), IndexFlow.Into(Graph, node, chosen, at)!);
            case Reduce:
                throw new InvalidOperationException($"reduction {value} is read before its pass");
        }

        if (IndexFlow.IsView(node.Operation))
        {
            if (IndexFlow.Into(Graph, node, 0, at) is { } into)
            {
                return Eval(node.Inputs[0], into);
            }

            var view = StridedView.Of(Graph, value, _plan.Fuser.IsStored);
            return Keep(key, Load(value, [.. view.Strides], at, view.Base, view.Offset), "m", value);
        }

        var operands = node.Inputs.Select(v => Eval(v, at)).ToArray();
        var level = operands.Max(o => o.Level);
        var texts = operands.Select(o => level == Level.Column ? Columnwise(o) : o.Text).ToArray();
        var text = node.Operation switch
        {
            Unary { Function: UnaryFunction.ToFloat } => level == Level.Column && _vector ? $"Vector512.ConvertToSingle({texts[0]})" : $"(float){texts[0]}",
            Unary unary => Unary(unary.Function, texts[0]),
            Binary binary => Binary(binary.Function, texts[0], texts[1]),
            Select => $"Simd.Select({texts[0]}, {texts[1]}, {texts[2]})",
            _ => throw new InvalidOperationException($"{node.Operation} is no row operation"),
        };
        return Keep(key, new(text, level), "e", value);
    }

    private Value Chosen(Node node, Concat concat, Linear[] at, out int chosen)
    {
        var position = _segmentStart + at[concat.Axis].Offset.Constant;
        var edge = 0L;
        for (chosen = 0; chosen < node.Inputs.Count; chosen++)
        {
            edge += Graph.Type(node.Inputs[chosen]).Shape[concat.Axis].Constant;
            if (position < edge)
            {
                return node.Inputs[chosen];
            }
        }

        throw new InvalidOperationException($"column {_segmentStart} .. {_segmentEnd} lies outside of {node.Operation}");
    }

    private Operand Counter(Linear index, string shift)
    {
        // The first element of the vector is the index itself: c is a multiple of the vector's width past the segment's start.
        var text = $"(float)({shift}{Text(index)})";
        if (shift.Length > 0)
        {
            text = _vector && index.Uses(LoopVariable.Column) ? $"(int)({shift}{Text(index)})" : $"(int)({shift}{Text(index)})";
        }

        if (!index.Uses(LoopVariable.Column))
        {
            return new(text, index.Uses(LoopVariable.Inner) ? Level.Inner : Level.Row);
        }

        return new(_vector ? $"Simd.CountFrom({text})" : text, Level.Column);
    }

    private Operand Load(Value value, Dim[] strides, Linear[] at, Value stored, Dim offset)
    {
        var flat = IndexFlow.Flatten(strides, at).Plus(offset);
        var address = Address(_plan.Stored[stored], Graph.Type(value).Element, flat, out var level);
        if (level != Level.Column || !_vector)
        {
            return new($"*({address})", level);
        }

        var stride = flat.Terms.First(t => t.Digit.Variable == LoopVariable.Column).Coefficient;
        return new(stride.IsOne ? $"Vector512.Load({address})" : $"Simd.LoadStrided({address}, {Text(stride)})", level);
    }

    private Operand Keep(string key, Operand operand, string prefix, Value value)
    {
        var name = Graph.Nodes[value.Node].Name;
        var hint = new string([.. name.Where(c => c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '_')]);
        if (operand.Level == Level.Row)
        {
            return _rowMemo[key] = RowLevel("value " + key, $"var {{0}} = {operand.Text};", hint.Length > 0 ? hint + "_" : prefix);
        }

        var variable = (hint.Length > 0 ? hint + "_" : prefix) + (++_counter).ToString(CultureInfo.InvariantCulture);
        _loop.Line($"var {variable} = {operand.Text};");
        return _loopMemo[key] = new(variable, operand.Level);
    }
}
