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
internal partial class RowKernelEmitter
{
    private readonly Dialect _dialect;
    private readonly ScopePlan _plan;
    private readonly RowKernel _kernel;
    private readonly List<(string Name, string Type, string Source)> _fields = [];
    private readonly Dictionary<Storage, string> _pointers = [];
    private readonly SortedSet<string> _symbols = new(StringComparer.Ordinal);
    private readonly Dictionary<Value, int> _levels = [];
    private readonly Dictionary<string, Operand> _digits = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Operand> _presences = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Operand> _wide = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<Linear, Operand>> _starts = new(StringComparer.Ordinal);
    private readonly Dictionary<Value, string> _reductions = [];
    private readonly EmissionBuffers _buffers;
    private readonly CodeWriter _row;
    private readonly CodeWriter _loop;
    private readonly Dictionary<Place, Operand> _rowValues = [];
    private readonly Dictionary<Root, int> _rootLevels = [];
    private readonly Dictionary<Place, Operand> _loopMemo = [];
    private bool _vector;
    private long _segmentStart;
    private long _segmentEnd;
    private int _counter;

    public RowKernelEmitter(Dialect dialect, ScopePlan plan, RowKernel kernel, EmissionBuffers buffers)
    {
        _dialect = dialect;
        _plan = plan;
        _kernel = kernel;
        _buffers = buffers;
        _row = buffers.Row.Restart(5);
        _loop = buffers.Loop;
    }

    /// <summary>How far out an expression can be computed.</summary>
    private enum Level
    {
        Row,
        Inner,
        Column,
    }

    private sealed record Operand(string Text, Level Level);

    /// <summary>The class of the elementwise functions.</summary>
    protected virtual string Library => "Simd";

    /// <summary>The type of row numbers and indices.</summary>
    protected virtual string IndexType => "long";

    /// <summary>The kernel in hand.</summary>
    protected RowKernel Kernel => _kernel;

    /// <summary>The type of a field that points to memory.</summary>
    protected virtual string MemoryType(ElementType element) => element == ElementType.I32 ? "int*" : "float*";

    /// <summary>Memory that the kernel works on: field, its type, and what the launch sets it to.</summary>
    protected IReadOnlyList<(string Name, string Type, string Source)> Memory => _fields;

    /// <summary>Sizes that the kernel needs to know.</summary>
    protected IReadOnlyCollection<string> Symbols => _symbols;

    /// <summary>The statements of one row.</summary>
    protected CodeWriter RowBody => _row;

    private Graph Graph => _plan.Graph;

    // Selections, which do not count, store ints in kernels of floats.
    private bool IsInt => _kernel.Roots.Find(r => r.Kind != RootKind.Select) is { } root && Graph.Type(root.Value).Element == ElementType.I32;

    /// <summary>Writes the struct, and the statements that launch it; place is the launch's line of the source, see <see cref="CodeWriter.Mapped"/>.</summary>
    public void Emit(string summary, CodeWriter kernels, CodeWriter code, string? place)
    {
        var (sums, finish) = Body();
        var work = _kernel.Roots.Aggregate(Dim.Zero, (sum, r) => sum + WidthOf(_plan.Fuser.SpaceOf(r)));
        Need(work);
        Need(_kernel.Rows);
        Struct(kernels, summary, sums);
        Launch(code, finish, work, place);
    }

    /// <summary>Writes what is done with a row; returns what clears a chunk's sums over rows, and what adds these in the end.</summary>
    private (CodeWriter Sums, List<string> Finish) Body()
    {
        var sums = _buffers.Sums.Restart(4);
        var finish = new List<string>();
        foreach (var root in _kernel.Roots.Where(r => r.Kind == RootKind.ColumnReduce))
        {
            var width = WidthOf(_plan.Fuser.SpaceOf(root));
            DeclareSums(sums, root.Value.Node, Pointer(_plan.Partials[root.Value], ElementType.F32), Text(width));
            finish.Add(AddPartials(_dialect.Of(_plan.Partials[root.Value]), Size(width), _dialect.Of(_plan.Stored[root.Value])));
        }

        var last = 0;
        foreach (var root in _kernel.Roots)
        {
            last = Math.Max(last, LevelOf(root));
        }

        for (var pass = 0; pass <= last; pass++)
        {
            Pass(pass);
        }

        return (sums, finish);
    }

    /// <summary>The partial sums of one chunk of rows.</summary>
    protected virtual void DeclareSums(CodeWriter sums, int node, string partials, string width)
    {
        sums.Line($"var sums{node} = {partials} + (chunk * {width});");
        sums.Line($"new Span<float>(sums{node}, (int){width}).Clear();");
    }

    /// <summary>The statement after the launch that adds the sums of all chunks.</summary>
    protected virtual string AddPartials(string partials, string width, string target) => $"RowLaunch.AddPartials({partials}, chunks, {width}, {target});";

    /// <summary>A size as the kernel writes it.</summary>
    protected virtual string SizeText(Dim size) => Size(size);

    /// <summary>Writes the struct with arguments and body.</summary>
    protected virtual void Struct(CodeWriter code, string summary, CodeWriter sums)
    {
        code.Line();
        foreach (var line in summary.Split('\n'))
        {
            code.Line("/// " + line);
        }

        code.Open($"private unsafe struct {_kernel.Name}");
        code.Line("public long Rows, Grain" + string.Concat(_symbols.Where(s => s != "past").Select(s => ", " + s)) + (_symbols.Contains("past") ? ", past" : "") + ";");
        foreach (var (name, type, _) in _fields)
        {
            code.Line($"public {type} {name};");
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
            code.Line($"{type} {name} = k->{name};");
        }

        code.Raw(sums);
        code.Line("long begin = chunk * k->Grain, end = Math.Min(k->Rows, begin + k->Grain);");
        code.Open("for (long r = begin; r < end; r++)");
        code.Raw(_row);
        code.Close();
        code.Close();
        code.Close();
    }

    /// <summary>Writes the statements that launch the kernel; work is the number of elements in a row.</summary>
    protected virtual void Launch(CodeWriter code, List<string> finish, Dim work, string? place)
    {
        var grain = $"RowLaunch.Grain({Size(_kernel.Rows)}, {Size(work)}, {Number(finish.Count > 0 ? RowKernel.MostChunks : 4096)})";
        code.Block();
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
        code.Mapped($"_team.Run(&{_kernel.Name}.Run, &k, chunks);", place);
        foreach (var line in finish)
        {
            code.Line(line);
        }

        code.Close();
    }

    private static Dim WidthOf(EquatableArray<Dim> shape) => shape.Count == 0 ? Dim.One : shape[shape.Count - 1];

    private string Text(Dim dim)
    {
        Need(dim);
        return SizeText(dim);
    }

    /// <summary>The kernel has to know the symbols of a size.</summary>
    private void Need(Dim dim)
    {
        if (dim.IsConstant)
        {
            return;
        }

        foreach (var symbol in dim.Symbols)
        {
            _symbols.Add(symbol);
        }
    }

    private string Text(Linear index)
    {
        var parts = new List<string>();
        foreach (var (digit, coefficient) in index.Terms)
        {
            Need(digit.Divisor);
            Need(digit.Modulus ?? Dim.One);
            Need(coefficient);
            var text = Digit(digit, digit.Source is { } source ? Text(source) : null, SizeText);
            if (digit.Variable == LoopVariable.Row && text != "r")
            {
                text = RowLevelDigit(text);
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

    private string Text(Lookup lookup)
    {
        var table = Pointer(_plan.Stored[_plan.Fuser.DenseBase(lookup.Index)], ElementType.I32);
        var at = Text(lookup.At);
        var element = table + "[" + (at.StartsWith("(", StringComparison.Ordinal) ? at.Substring(1, at.Length - 2) : at) + "]";
        return lookup.IsOptional ? $"Math.Max({element}, 0)" : element;
    }

    private string RowLevelDigit(string text)
    {
        if (!_digits.TryGetValue(text, out var known))
        {
            known = NextOnRow("q");
            _row.Line($"{IndexType} {known.Text} = {text};");
            _digits[text] = known;
        }

        return known.Text;
    }

    /// <summary>A pointer moved by what is the same for a whole row.</summary>
    private string RowLevelStart(string pointer, Linear by)
    {
        if (!_starts.TryGetValue(pointer, out var starts))
        {
            _starts[pointer] = starts = [];
        }

        if (!starts.TryGetValue(by, out var known))
        {
            known = NextOnRow(pointer + "_");
            var text = Text(by);
            _row.Line($"var {known.Text} = {Start(pointer, text)};");
            starts[by] = known;
        }

        return known.Text;
    }

    private string RowLevelVector(string text)
    {
        if (!_wide.TryGetValue(text, out var known))
        {
            known = NextOnRow("b");
            _row.Line($"var {known.Text} = Vector512.Create({text});");
            _wide[text] = known;
        }

        return known.Text;
    }

    /// <summary>1 where a row that a table names is there, else 0.</summary>
    private string RowLevelPresence(string entry)
    {
        if (!_presences.TryGetValue(entry, out var known))
        {
            known = NextOnRow("present");
            _row.Line($"var {known.Text} = {entry} < 0 ? 0f : 1f;");
            _presences[entry] = known;
        }

        return known.Text;
    }

    private Operand NextOnRow(string prefix) => new(prefix + Number(++_counter), Level.Row);

    /// <summary>Where a row begins, to be handed to <see cref="At"/>.</summary>
    protected virtual string Start(string pointer, string by) => $"{pointer} + {by}";

    protected static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private string Pointer(Storage storage, ElementType element)
    {
        if (ProductStep.IsRows(storage))
        {
            return storage.Pointer;
        }

        if (!_pointers.TryGetValue(storage, out var name))
        {
            name = storage.Pointer.TrimStart('_') + "P";
            if (_fields.Any(f => f.Name == name))
            {
                name += _fields.Count.ToString(CultureInfo.InvariantCulture);
            }

            _pointers[storage] = name;
            _fields.Add((name, storage.IsWeight ? _dialect.WeightType : MemoryType(element), _dialect.Of(storage)));
        }

        return name;
    }
}
