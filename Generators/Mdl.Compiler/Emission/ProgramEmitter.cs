using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>Writes the steps of a plan as statements, and the kernels that they launch.</summary>
internal sealed class ProgramEmitter(ProgramPlan program, bool cached, EmissionBuffers buffers, bool shortFormats = false)
{
    private readonly CodeWriter _kernels = buffers.Kernels.Restart(2);
    private readonly List<(string Name, Dim Size)> _caches = [];

    /// <summary>The structs of the fused kernels that the statements so far launch.</summary>
    public CodeWriter Kernels => _kernels;

    /// <summary>Key/value caches: field name and floats, in which <c>capacity</c> is a symbol.</summary>
    public IReadOnlyList<(string Name, Dim Size)> Caches => _caches;

    public static IEnumerable<string> Namespaces { get; } =
    [
        "System", "System.Runtime.CompilerServices", "System.Runtime.Intrinsics", "Mdl.Runtime.Devices", "Mdl.Runtime.Kernels", "Mdl.Runtime.Models",
    ];

    public void Statements(CodeWriter code, int from, int to) => Steps(code, program.Top, program.Top.Steps.Skip(from).Take(to - from), []);

    /// <summary>The fields for the arena's buffers.</summary>
    public void Fields(CodeWriter fields)
    {
        foreach (var buffer in program.Buffers)
        {
            fields.Line($"private readonly {TypeOf(buffer.Element)}* {buffer.Name};");
        }
    }

    /// <summary>The statements of the constructor that place the arena's buffers.</summary>
    public void Places(CodeWriter constructor, string arena)
    {
        var alive = program.Buffers.Where(b => b.Last >= 0).ToList();
        constructor.Line("ReadOnlySpan<long> bytes =");
        constructor.Line("[");
        foreach (var buffer in alive)
        {
            constructor.Line($"    4L * {Size(buffer.Size)}, // {buffer.Name.TrimStart('_')} [{buffer.Size}], steps {buffer.First} to {buffer.Last}");
        }

        constructor.Line("];");
        constructor.Line($"ReadOnlySpan<int> first = [{string.Join(", ", alive.Select(b => b.First))}];");
        constructor.Line($"ReadOnlySpan<int> last = [{string.Join(", ", alive.Select(b => b.Last))}];");
        constructor.Line("var offsets = new long[bytes.Length];");
        constructor.Line($"{arena} = new Arena(Arena.Place(bytes, first, last, offsets));");
        for (var i = 0; i < alive.Count; i++)
        {
            constructor.Line($"{alive[i].Name} = ({TypeOf(alive[i].Element)}*)({arena}.Memory + offsets[{i.ToString(CultureInfo.InvariantCulture)}]);");
        }
    }

    private static string TypeOf(ElementType element) => element == ElementType.I32 ? "int" : "float";

    private void Steps(CodeWriter code, ScopePlan plan, IEnumerable<Step> steps, IReadOnlyList<(string Variable, int Count)> loops)
    {
        foreach (var step in steps)
        {
            switch (step)
            {
                case KernelStep { Kernel: var kernel }:
                    new RowKernelEmitter(plan, kernel, buffers).Emit(KernelSummary.Of(plan, kernel), _kernels, code);
                    break;
                case TemplateStep { Node: var node }:
                    var self = plan.Graph.Nodes[node];
                    code.Line($"// {KernelSummary.Of(self)}");
                    code.Line(new TemplateEmitter(plan, cached ? (_, inputs) => Cache(inputs, loops) : null, shortFormats).Emit(node));
                    break;
                case ProductStep { Nodes: var products, Kernel: var epilogue }:
                    foreach (var product in products)
                    {
                        code.Line($"// {KernelSummary.Of(plan.Graph.Nodes[product])}");
                    }

                    new RowKernelEmitter(plan, epilogue, buffers).Emit(
                        KernelSummary.Of(plan, epilogue), _kernels, code, new TemplateEmitter(plan, null, shortFormats).GroupedRows(products));
                    break;
                case CopyStep copy:
                    code.Line($"RowLaunch.Copy({Of(copy.Source)}, {Of(copy.Target)}, {Size(copy.Size)});");
                    break;
                case LoopStep { Loop: var loop }:
                    Loop(code, loop, loops);
                    break;
            }
        }
    }

    private void Loop(CodeWriter code, LoopPlan loop, IReadOnlyList<(string Variable, int Count)> loops)
    {
        var (variable, count) = (loop.Variable, loop.Repeat.Count);
        foreach (var carried in loop.Carried)
        {
            var type = TypeOf(carried.Type.Element);
            if (carried.IsPlaced)
            {
                continue;
            }

            if (carried.Stack is { } stack)
            {
                var first = Of(stack.Slot(loop.Repeat.Reverse ? (count - 1).ToString(CultureInfo.InvariantCulture) : "0", carried.Type.Size));
                code.Line($"RowLaunch.Copy({Of(carried.Initial)}, {first}, {Size(carried.Type.Size)});");
            }
            else
            {
                code.Line($"{type}* {carried.In} = {Of(carried.Initial)};");
            }
        }

        var last = loop.Repeat.Reverse ? "0" : (count - 1).ToString(CultureInfo.InvariantCulture);
        code.Open(loop.Repeat.Reverse ? $"for (long {variable} = {count - 1}; {variable} >= 0; {variable}--)" : $"for (long {variable} = 0; {variable} < {count}; {variable}++)");
        foreach (var carried in loop.Carried)
        {
            var type = TypeOf(carried.Type.Element);
            if (carried.Stack is { } stack)
            {
                var next = Of(stack.Slot($"({variable} {(loop.Repeat.Reverse ? "-" : "+")} 1)", carried.Type.Size));
                code.Line($"{type}* {carried.In} = {Of(stack.Slot(variable, carried.Type.Size))};");
                code.Line($"{type}* {carried.Out} = {variable} == {last} ? {Of(carried.Final)} : {next};");
            }
            else
            {
                var between = carried.Between.Count switch
                {
                    0 => Of(carried.Final),
                    1 => $"{variable} == {last} ? {Of(carried.Final)} : {Of(carried.Between[0])}",
                    _ => $"{variable} == {last} ? {Of(carried.Final)} : {variable} % 2 == 0 ? {Of(carried.Between[0])} : {Of(carried.Between[1])}",
                };
                code.Line($"{type}* {carried.Out} = {between};");
            }
        }

        Steps(code, loop.Body, loop.Body.Steps, [.. loops, (variable, count)]);
        foreach (var carried in loop.Carried.Where(c => c.Stack is null))
        {
            code.Line($"{carried.In} = {carried.Out};");
        }

        code.Close();
    }

    /// <summary>Memory for the keys and the values of one attention, in each repetition of the loops around it.</summary>
    private (string Keys, string Values) Cache(StridedView[] inputs, IReadOnlyList<(string Variable, int Count)> loops)
    {
        string Field(string name, StridedView view)
        {
            var field = $"_{name}{(_caches.Count / 2 + 1).ToString(CultureInfo.InvariantCulture)}";
            var slot = view.Shape[0] * Dim.Symbol("capacity") * view.Shape[2] * view.Shape[3];
            var size = slot;
            var text = field;
            foreach (var (variable, count) in loops.Reverse())
            {
                text += $" + {variable} * {Size(size)}";
                size *= count;
            }

            _caches.Add((field, size));
            return loops.Count == 0 ? field : "(" + text + ")";
        }

        return (Field("cachedKeys", inputs[1]), Field("cachedValues", inputs[2]));
    }
}
