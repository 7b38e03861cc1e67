using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>Pointers, and kernels that loop over rows.</summary>
internal sealed class HostDialect : Dialect
{
    private HostDialect(Storage? positions) => Positions = positions;

    public static HostDialect Instance { get; } = new(null);

    /// <summary>For programs that run sequences of different lengths.</summary>
    public static HostDialect Ragged { get; } = new(Storage.At("Positions"));

    public override Storage? Positions { get; }

    public override string NoMemory => "null";

    public override bool HasEpilogues => true;

    public override string WeightType => "Weight";

    public override string PointerTo(ElementType element) => element == ElementType.I32 ? "int*" : "float*";

    public override string Moved(string pointer, string offset) => $"({pointer} + {offset})";

    public override string Copy(Storage source, string target, Dim size) => $"RowLaunch.Copy({FloatsOf(source)}, {target}, {Size(size)});";

    public override string Fill(string target, string values) => $"RowLaunch.Fill({target}, [{values}]);";

    public override void Place(CodeWriter constructor, IReadOnlyList<ArenaBuffer> buffers, string arena, string symbols)
    {
        constructor.Line($"var buffers = Buffers({symbols});");
        constructor.Line("var offsets = new long[buffers.Length];");
        constructor.Line($"{arena} = new Arena(Arena.Place(buffers, offsets));");
        for (var i = 0; i < buffers.Count; i++)
        {
            constructor.Line($"{buffers[i].Name} = ({PointerTo(buffers[i].Element)})({arena}.Memory + offsets[{i.ToString(CultureInfo.InvariantCulture)}]);");
        }
    }

    public override string Begin(int launch, string comment) => $"profile?.Begin({launch.ToString(CultureInfo.InvariantCulture)}); // {comment}";

    public override RowKernelEmitter Kernel(ScopePlan plan, RowKernel kernel, EmissionBuffers buffers) => new(this, plan, kernel, buffers);
}
