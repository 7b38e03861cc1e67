using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission.Ilgpu;

/// <summary>Views of device memory, and kernels in which a group, or a thread, computes a row.</summary>
internal sealed class IlgpuDialect : Dialect
{
    public static IlgpuDialect Instance { get; } = new();

    public override string NoMemory => "default";

    public override bool HasEpilogues => false;

    public override string WeightType => "DeviceWeight";

    public override string Known(Dim m, Dim n, Dim k)
    {
        static string Of(Dim size) => size.IsConstant ? Int(size) : "0";
        return m.IsConstant || n.IsConstant || k.IsConstant ? $", known: new({Of(m)}, {Of(n)}, {Of(k)})" : "";
    }

    public override string PointerTo(ElementType element) => $"ArrayView<{TypeOf(element)}>";

    public override string Moved(string pointer, string offset) => $"{pointer}.SubView({offset})";

    public override string Copy(Storage source, string target, Dim size) => $"RowLaunch.Copy(_team, {Of(source)}, {target}, {Size(size)});";

    public override string Fill(string target, string values) => $"RowLaunch.Fill(_team, {target}, [{values}]);";

    public override void Place(CodeWriter constructor, IReadOnlyList<ArenaBuffer> buffers, string arena, string symbols)
    {
        Arena(constructor, [.. buffers.Where(b => b.Element != ElementType.I32)], arena, "float");
        Arena(constructor, [.. buffers.Where(b => b.Element == ElementType.I32)], arena + "OfInts", "int");
    }

    public override string Begin(int launch, string comment) => "// " + comment;

    public override RowKernelEmitter Kernel(ScopePlan plan, RowKernel kernel, EmissionBuffers buffers) => new IlgpuRowKernelEmitter(this, plan, kernel, buffers);

    /// <summary>Device memory is typed, so that each element type has an arena.</summary>
    private static void Arena(CodeWriter constructor, IReadOnlyList<ArenaBuffer> buffers, string arena, string type)
    {
        constructor.Line($"{arena} = new DeviceArena<{type}>(_team,");
        constructor.Line("[");
        foreach (var buffer in buffers)
        {
            constructor.Line($"    new({ModelEmitter.Quoted(buffer.Name.TrimStart('_'))}, 4L * {Size(buffer.Size)}, {buffer.First}, {buffer.Last}),");
        }

        constructor.Line("]);");
        for (var i = 0; i < buffers.Count; i++)
        {
            constructor.Line($"{buffers[i].Name} = {arena}[{i.ToString(CultureInfo.InvariantCulture)}];");
        }
    }

    private static string TypeOf(ElementType element) => element == ElementType.I32 ? "int" : "float";
}
