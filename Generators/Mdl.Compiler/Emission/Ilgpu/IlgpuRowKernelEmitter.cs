using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission.Ilgpu;

/// <summary>
/// Writes one fused kernel for a device: a struct with its arguments, and a method in which a group of threads computes a row, each thread some of the
/// columns, and reductions go through shared memory in a fixed order. Rows of a few columns are computed by a thread each. Indices have 32 bits.
/// </summary>
internal sealed class IlgpuRowKernelEmitter(IlgpuDialect dialect, ScopePlan plan, RowKernel kernel, EmissionBuffers buffers)
    : RowKernelEmitter(dialect, plan, kernel, buffers)
{
    /// <summary>Widest rows that a single thread computes.</summary>
    private const long NarrowWidth = 4;

    private readonly bool _isNarrow = IsNarrow(plan, kernel);
    private bool _reduces;

    protected override string Library => "DeviceMath";

    protected override string IndexType => "int";

    private bool HasColumnSums => Kernel.Roots.Any(r => r.Kind == RootKind.ColumnReduce);

    protected override string SizeText(Dim size)
    {
        var terms = size.Terms.ToList();
        var parts = terms.Select(t => t.Factors.Count == 0 ? Number(t.Coefficient)
            : (t.Coefficient == 1 ? "" : Number(t.Coefficient) + " * ") + string.Join(" * ", t.Factors));
        return terms.Count switch
        {
            0 => "0",
            1 => parts.Single(),
            _ => "(" + string.Join(" + ", parts) + ")",
        };
    }

    protected override string MemoryType(ElementType element) => element == ElementType.I32 ? "ArrayView<int>" : "ArrayView<float>";

    protected override string Start(string pointer, string by) => by;

    protected override string At(string pointer, string? start, string within, bool isWeight)
    {
        var sum = (start ?? "") + within;
        var index = sum.Length == 0 ? "0" : sum.StartsWith(" + ", StringComparison.Ordinal) ? sum.Substring(3) : sum;
        return isWeight ? $"DeviceWeight.Read({pointer}, {index})" : $"{pointer}[{index}]";
    }

    protected override string ReadWeight(string element) => element;

    protected override string Read(string element) => element;

    protected override string Write(string element, string value) => $"{element} = {value};";

    protected override void Declare(CodeWriter code, int node, string start) => code.Line($"var s{node} = {start};");

    protected override string Reduced(int node, bool isMaximum)
    {
        if (_isNarrow)
        {
            return $"s{Number(node)}";
        }

        _reduces = true;
        return $"GroupReduction.{(isMaximum ? "Maximum" : "Sum")}(shared, lane, s{Number(node)})";
    }

    protected override IEnumerable<(string Header, bool IsVector)> Headers(long start, long end, bool isInt) => Headers(Number(start), Number(end));

    protected override IEnumerable<(string Header, bool IsVector)> Headers(string width, bool isInt) => Headers("0", width);

    protected override void DeclareSums(CodeWriter sums, int node, string partials, string width) => sums.Line($"var sums{node} = {partials}.SubView(Grid.IdxX * {width});");

    // A column always belongs to the same thread, which sets its sum at the first row.
    protected override string AddToColumn(int node, string value, bool isVector) => $"sums{Number(node)}[c] = r == begin ? {value} : sums{Number(node)}[c] + {value};";

    protected override string AddPartials(string partials, string width, string target) => $"RowLaunch.AddPartials(_team, {partials}, chunks, {width}, {target});";

    protected override void Struct(CodeWriter code, string summary, CodeWriter sums)
    {
        code.Line();
        foreach (var line in summary.Split('\n'))
        {
            code.Line("/// " + line);
        }

        code.Open($"internal struct {Kernel.Name}");
        code.Line("public int Rows, Grain" + string.Concat(Symbols.Select(s => ", " + s)) + ";");
        foreach (var (name, type, _) in Memory)
        {
            code.Line($"public {type} {name};");
        }

        code.Line();
        code.Open($"public static void Run({Kernel.Name} k)");
        foreach (var symbol in Symbols)
        {
            code.Line($"var {symbol} = k.{symbol};");
        }

        foreach (var (name, _, _) in Memory)
        {
            code.Line($"var {name} = k.{name};");
        }

        code.Raw(sums);
        if (_isNarrow)
        {
            code.Line("var r = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;");
            code.Open("if (r < k.Rows)");
        }
        else
        {
            code.Line("var lane = Group.IdxX;");
            if (_reduces)
            {
                code.Line("var shared = SharedMemory.Allocate<float>(GroupReduction.Size);");
            }

            code.Line("var begin = Grid.IdxX * k.Grain;");
            code.Line("var end = begin + k.Grain < k.Rows ? begin + k.Grain : k.Rows;");
            code.Open("for (var r = begin; r < end; r++)");
        }

        code.Raw(RowBody);
        code.Close();
        code.Close();
        code.Close();
    }

    protected override void Launch(CodeWriter code, List<string> finish, Dim work, string? place)
    {
        code.Block();
        code.Line($"var k = new {Kernel.Name}");
        code.Line("{");
        code.Line($"    Rows = {Int(Kernel.Rows)}, Grain = {(HasColumnSums ? $"RowLaunch.Grain({Size(Kernel.Rows)}, {Number(RowKernel.MostChunks)})" : "1")},");
        foreach (var symbol in Symbols)
        {
            code.Line($"    {symbol} = (int){symbol},");
        }

        foreach (var (name, _, source) in Memory)
        {
            code.Line($"    {name} = {source},");
        }

        code.Line("};");
        if (_isNarrow)
        {
            code.Mapped($"_team.LaunchThreads({Kernel.Name}.Run, k.Rows, k);", place);
        }
        else
        {
            code.Line("var chunks = (k.Rows + k.Grain - 1) / k.Grain;");
            code.Mapped($"_team.Launch({Kernel.Name}.Run, chunks, k);", place);
        }

        foreach (var line in finish)
        {
            code.Line(line);
        }

        code.Close();
    }

    private static bool IsNarrow(ScopePlan plan, RowKernel kernel)
    {
        bool Fits(EquatableArray<Dim> shape) => shape.Count == 0 || (shape[shape.Count - 1].IsConstant && shape[shape.Count - 1].Constant <= NarrowWidth);
        var graph = plan.Graph;
        return kernel.Roots.All(root =>
        {
            var isNarrow = root.Kind != RootKind.ColumnReduce && Fits(plan.Fuser.SpaceOf(root));
            plan.Fuser.Visit(root, _ => { }, v => isNarrow &= graph.Nodes[v.Node] is not { Operation: Reduce } reduction || Fits(graph.Type(reduction.Inputs[0]).Shape));
            return isNarrow;
        });
    }

    private IEnumerable<(string Header, bool IsVector)> Headers(string start, string end)
    {
        var first = _isNarrow ? start : start == "0" ? "lane" : start + " + lane";
        yield return ($"for (var c = {first}; c < {end}; {(_isNarrow ? "c++" : "c += IlgpuDevice.GroupSize")})", false);
    }
}
