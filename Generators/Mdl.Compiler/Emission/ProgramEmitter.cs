using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>Writes the steps of a plan as statements, and the kernels that they launch.</summary>
internal sealed class ProgramEmitter(Dialect dialect, ProgramPlan program, bool cached, EmissionBuffers buffers, string? sourceFolder, string arithmetic = "")
{
    /// <summary>Operands of products are rounded to bfloat16.</summary>
    public const string BFloat16 = "BFloat16";

    /// <summary>Rows of products are rounded as the matrices are that are held in blocks of integers.</summary>
    public const string AsHeld = "Int8Blocks";

    /// <summary>In which form a model's training multiplies, on any device.</summary>
    public static string ArithmeticOf(BoundModel model) => model.Settings.Precision == "bf16" ? BFloat16 : "";

    private readonly CodeWriter _kernels = buffers.Kernels.Restart(2);
    private readonly List<(string Name, Dim Size)> _caches = [];
    private readonly List<string> _cacheLayers = [];
    private readonly Dictionary<ScopePlan, KernelCosts> _costs = [];
    private readonly List<(KernelSummary Summary, string Loop, int Calls, bool IsShort)> _launches = [];

    /// <summary>The structs of the fused kernels that the statements so far launch.</summary>
    public CodeWriter Kernels => _kernels;

    /// <summary>Key/value caches: field name and floats, in which <c>capacity</c> is a symbol.</summary>
    public IReadOnlyList<(string Name, Dim Size)> Caches => _caches;

    /// <summary>What a cache for sequences of different lengths keeps of each attention.</summary>
    public IReadOnlyList<string> CacheLayers => _cacheLayers;

    /// <summary>Launches that the statements so far hold.</summary>
    public int Launches => _launches.Count;

    public static IEnumerable<string> Namespaces { get; } =
    [
        "System", "System.Collections.Generic", "System.Runtime.CompilerServices", "System.Runtime.Intrinsics", "Mdl.Runtime.Devices", "Mdl.Runtime.Kernels", "Mdl.Runtime.Models",
        "Mdl.Runtime.Profiling",
    ];

    public void Statements(CodeWriter code, int from, int to) => Steps(code, program.Top, program.Top.Steps.Skip(from).Take(to - from), []);

    /// <summary>The fields for the arena's buffers.</summary>
    public void Fields(CodeWriter fields)
    {
        foreach (var buffer in program.Buffers.Where(b => b.Last >= 0))
        {
            fields.Line($"private readonly {dialect.PointerTo(buffer.Element)} {buffer.Name};");
        }
    }

    /// <summary>The statements of the constructor that place the arena's buffers.</summary>
    public void Places(CodeWriter constructor, string arena)
    {
        dialect.Place(constructor, [.. Owners], arena, Symbols);
        foreach (var buffer in Alive.Where(b => b.Place != b))
        {
            constructor.Line($"{buffer.Name} = {buffer.Place.Name};");
        }

        foreach (var (buffer, values) in program.Tables)
        {
            constructor.Line(dialect.Fill(buffer.Name, string.Join(", ", values.Select(Float))));
        }
    }

    /// <summary>The methods that tell what the arena holds and what the launches cost; for the statements written so far.</summary>
    public void Tables(CodeWriter code, int forwardLaunches)
    {
        var arguments = string.Join(", ", Symbols.Split([", "], StringSplitOptions.None).Select(s => "long " + s));
        code.Line();
        code.Line("/// <summary>The buffers of the arena: bytes, and the first and the last step that needs them.</summary>");
        code.Line($"public static BufferInfo[] Buffers({arguments}) =>");
        code.Line("[");
        foreach (var buffer in Owners)
        {
            code.Line($"    new({ModelEmitter.Quoted(buffer.Name.TrimStart('_'))}, 4L * {Size(buffer.Size)}, {buffer.First}, {buffer.Last}),");
        }

        code.Line("];");
        code.Line();
        code.Line("/// <summary>The launches in order: kernel, operation, source, loop, calls, floating-point operations, bytes, bytes without fusion.</summary>");
        code.Line($"public static LaunchInfo[] LaunchesOf({arguments}) =>");
        code.Line("[");
        for (var i = 0; i < _launches.Count; i++)
        {
            var (summary, loop, calls, isShort) = _launches[i];
            var (flops, bytes, unfused) = summary.Cost;
            code.Line($"    new(LaunchPhase.{(i < forwardLaunches ? "Forward" : "Backward")}, {ModelEmitter.Quoted(summary.Name.Length > 0 ? summary.Name : summary.Operation)}, "
                + $"{ModelEmitter.Quoted(summary.Operation)}, {ModelEmitter.Quoted(summary.Source)}, {ModelEmitter.Quoted(loop)}, {calls}, {Size(flops)}, {Size(bytes)}, {Size(unfused)}{(isShort ? ", ElementFormat.BFloat16" : "")}),");
        }

        code.Line("];");
    }

    private string Symbols => cached ? "B, T, R, past, capacity" : "B, T";

    /// <summary>The buffers that have memory of their own.</summary>
    private IEnumerable<ArenaBuffer> Owners => Alive.Where(b => b.Place == b);

    private IEnumerable<ArenaBuffer> Alive => program.Buffers.Where(b => b.Last >= 0);

    private void Steps(CodeWriter code, ScopePlan plan, IEnumerable<Step> steps, IReadOnlyList<(string Variable, int Count)> loops)
    {
        foreach (var step in steps)
        {
            switch (step)
            {
                case KernelStep { Kernel: var kernel }:
                    var rows = KernelSummary.Of(plan, [], [kernel], CostsOf(plan));
                    Begin(code, rows, loops);
                    dialect.Kernel(plan, kernel, buffers).Emit(KernelSummary.Document(plan, kernel, rows), _kernels, code, Line(rows));
                    break;
                case TemplateStep { Node: var node }:
                    var call = KernelSummary.Of(plan, [node], [], CostsOf(plan));
                    Begin(code, call, loops, IsShort(plan, node));
                    code.Mapped(Template(plan, cached ? inputs => Cache(inputs, loops) : null).Emit(node), Line(call));
                    break;
                case ProductStep product:
                    Product(code, plan, product, loops);
                    break;
                case CopyStep copy:
                    Begin(code, KernelSummary.Of(copy), loops);
                    code.Line(dialect.Copy(copy.Source, dialect.Of(copy.Target), copy.Size));
                    break;
                case LoopStep { Loop: var loop }:
                    Loop(code, loop, loops);
                    break;
            }
        }
    }

    /// <summary>Where <c>#line</c> sends a launch.</summary>
    private string? Line(KernelSummary summary) => sourceFolder is null || summary.Place.Line == 0
        ? null
        : $"{summary.Place.Line.ToString(CultureInfo.InvariantCulture)} \"{sourceFolder}{summary.Place.Path}\"";

    private KernelCosts CostsOf(ScopePlan plan)
    {
        if (!_costs.TryGetValue(plan, out var costs))
        {
            _costs[plan] = costs = new(plan, cached);
        }

        return costs;
    }

    /// <summary>Tells the profiler which launch comes, and the reader what it computes.</summary>
    private void Begin(CodeWriter code, KernelSummary summary, IReadOnlyList<(string Variable, int Count)> loops, bool isShort = false)
    {
        code.Line(dialect.Begin(_launches.Count, summary.Comment));
        _launches.Add((summary, loops.Count == 0 ? "" : loops[loops.Count - 1].Variable, loops.Aggregate(1, (calls, l) => calls * l.Count), isShort));
    }

    private bool IsShort(ScopePlan plan, int node) => arithmetic == BFloat16
        && plan.Graph.Nodes[node].Operation is Contract { InF32: false } or GroupedContract { InF32: false } or GroupedOuter { InF32: false }
            or LinearCrossEntropy or LinearCrossEntropyGradient or LinearCrossEntropyWithGradient;

    private TemplateEmitter Template(ScopePlan plan, Func<StridedView[], string>? cache) => new(dialect, plan, cache, arithmetic);

    private void Product(CodeWriter code, ScopePlan plan, ProductStep step, IReadOnlyList<(string Variable, int Count)> loops)
    {
        var summary = KernelSummary.Of(plan, [.. step.Nodes], [.. step.All], CostsOf(plan));
        Begin(code, summary, loops, IsShort(plan, step.Nodes[0]));
        void Alone(RowKernel kernel) => dialect.Kernel(plan, kernel, buffers).Emit(KernelSummary.Document(plan, kernel, summary), _kernels, code, Line(summary));
        if (!dialect.HasEpilogues)
        {
            if (step.Prologue is { } first)
            {
                Alone(first);
            }

            step.Nodes.ToList().ForEach(product => code.Mapped(Template(plan, null).Emit(product), Line(summary)));
            step.Behind.ToList().ForEach(Alone);
            return;
        }

        code.Block();
        var finish = new List<string>();
        var prologue = "";
        var epilogue = "";
        var type = "";
        for (var i = step.Kernels.Count - 1; i >= 0; i--)
        {
            var kernel = step.Kernels[i];
            var name = "k" + (i == 0 ? "" : (i + 1).ToString(CultureInfo.InvariantCulture));
            var rows = RowEpilogues.RowsPerRow(plan, kernel, step.Nodes[0])!;
            finish.AddRange(dialect.Kernel(plan, kernel, buffers).Epilogue(KernelSummary.Document(plan, kernel, summary), name, rows, _kernels, code));
            type = type.Length == 0 ? kernel.Name : $"RowEpilogues<{kernel.Name}, {type}>";
            epilogue = epilogue.Length == 0 ? name : $"new {type}({name}, {epilogue})";
        }

        if (step.Prologue is { } left)
        {
            prologue = "p";
            dialect.Kernel(plan, left, buffers).Prologue(
                KernelSummary.Document(plan, left, summary), prologue, RowEpilogues.RowsPerRow(plan, left, step.Nodes[0])!, _kernels, code);
        }

        code.Mapped(Template(plan, null).Rows(step.Nodes, prologue, epilogue), Line(summary));
        if (finish.Count > 0)
        {
            code.Line($"var chunks = Gemm.RowBlocks({Int(plan.Graph.Nodes[step.Nodes[0]].Types[0].Shape[0])});");
            finish.ForEach(line => code.Line(line));
        }

        code.Close();
        if (step.Tail is { } tail)
        {
            Alone(tail);
        }
    }

    private void Loop(CodeWriter code, LoopPlan loop, IReadOnlyList<(string Variable, int Count)> loops)
    {
        var (variable, count) = (loop.Variable, loop.Repeat.Count);
        foreach (var carried in loop.Carried)
        {
            var type = dialect.PointerTo(carried.Type.Element);
            if (carried.IsPlaced)
            {
                continue;
            }

            if (carried.Stack is { } stack)
            {
                var first = dialect.Of(stack.Slot(loop.Repeat.Reverse ? (count - 1).ToString(CultureInfo.InvariantCulture) : "0", carried.Type.Size));
                Begin(code, KernelSummary.Of(new CopyStep(carried.Initial, stack, carried.Type.Size, carried.Type.Element)), loops);
                code.Line(dialect.Copy(carried.Initial, first, carried.Type.Size));
            }
            else
            {
                code.Line($"{type} {carried.In} = {dialect.FloatsOf(carried.Initial)};");
            }
        }

        var last = loop.Repeat.Reverse ? "0" : (count - 1).ToString(CultureInfo.InvariantCulture);
        code.Open(loop.Repeat.Reverse ? $"for (long {variable} = {count - 1}; {variable} >= 0; {variable}--)" : $"for (long {variable} = 0; {variable} < {count}; {variable}++)");
        foreach (var carried in loop.Carried)
        {
            var type = dialect.PointerTo(carried.Type.Element);
            if (carried.Stack is { } stack)
            {
                var next = dialect.Of(stack.Slot($"({variable} {(loop.Repeat.Reverse ? "-" : "+")} 1)", carried.Type.Size));
                code.Line($"{type} {carried.In} = {dialect.Of(stack.Slot(variable, carried.Type.Size))};");
                code.Line($"{type} {carried.Out} = {variable} == {last} ? {dialect.Of(carried.Final)} : {next};");
            }
            else
            {
                var between = carried.Between.Count switch
                {
                    0 => dialect.Of(carried.Final),
                    1 => $"{variable} == {last} ? {dialect.Of(carried.Final)} : {dialect.Of(carried.Between[0])}",
                    _ => $"{variable} == {last} ? {dialect.Of(carried.Final)} : {variable} % 2 == 0 ? {dialect.Of(carried.Between[0])} : {dialect.Of(carried.Between[1])}",
                };
                code.Line($"{type} {carried.Out} = {between};");
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
    private string Cache(StridedView[] inputs, IReadOnlyList<(string Variable, int Count)> loops)
    {
        if (dialect.Positions is not null)
        {
            return $"Cache[{Number(_cacheLayers.Count)}, {Layer(inputs[1].Shape, inputs[2].Shape, loops)}], Runs";
        }

        string Field(string name, StridedView view)
        {
            var field = $"_{name}{(_caches.Count / 2 + 1).ToString(CultureInfo.InvariantCulture)}";
            var slot = view.Shape[0] * Dim.Symbol("capacity") * view.Shape[2] * view.Shape[3];
            var size = slot;
            var offset = new List<string>();
            foreach (var (variable, count) in loops.Reverse())
            {
                offset.Add($"{variable} * {Size(size)}");
                size *= count;
            }

            _caches.Add((field, size));
            return loops.Count == 0 ? field : dialect.Moved(field, string.Join(" + ", offset));
        }

        return $"{Field("cachedKeys", inputs[1])}, {Field("cachedValues", inputs[2])}, (int)past, (int)capacity";
    }

    /// <summary>Notes what is cached of an attention; returns the number of the repetition at hand.</summary>
    private string Layer(EquatableArray<Dim> keys, EquatableArray<Dim> values, IReadOnlyList<(string Variable, int Count)> loops)
    {
        var instances = 1;
        var instance = "0";
        foreach (var (variable, count) in loops)
        {
            instance = instance == "0" ? variable : $"(({instance}) * {Number(count)}) + {variable}";
            instances *= count;
        }

        _cacheLayers.Add($"new({Size(keys[2])}, {Size(keys[3])}, {Size(values[3])}, {Number(instances)})".Replace("L", ""));
        return instance;
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
