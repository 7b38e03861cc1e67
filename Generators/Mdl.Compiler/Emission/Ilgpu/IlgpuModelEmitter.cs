using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission.Ilgpu;

/// <summary>Writes the programs of one preset for ILGPU devices, from the same plans as those for the host.</summary>
internal static class IlgpuModelEmitter
{
    private static readonly string[] Namespaces =
    [
        "System", "ILGPU", "ILGPU.Runtime", "Mdl.Runtime.Devices", "Mdl.Runtime.Ilgpu.Devices", "Mdl.Runtime.Ilgpu.Kernels", "Mdl.Runtime.Ilgpu.Programs",
        "Mdl.Runtime.Kernels", "Mdl.Runtime.Models",
    ];

    // Names that two of the namespaces have.
    private static readonly string[] Ours = ["AlongAxis", "Attention", "Gemm", "Indexing", "Losses", "Matrix", "Optimizer", "RowLaunch", "Routing"];

    public static GeneratedFile Training(EmissionBuffers buffers, BoundModel model, string ns, WeightLayout layout, TrainingPlan plan, long? longest, string? folder)
    {
        var emitter = new ProgramEmitter(IlgpuDialect.Instance, plan.Program, cached: false, buffers, folder, ProgramEmitter.ArithmeticOf(model));
        const string kernels = "TrainingKernels";
        var code = Header(buffers, model, ns, kernels);
        code.Open($"public sealed partial class {model.ClassName}");
        ModelEmitter.New(code, "IlgpuTraining", "int batch, int length", "batch, length");
        code.Line();
        code.Open("private sealed class IlgpuTraining : IlgpuTrainingProgram");
        var masked = model.Settings.IsMasked;
        Fields(code, emitter, ["_weights", "_gradients", "_metrics", .. masked ? new[] { "_targetWeights" } : []], ["_tokens"]);
        code.Line("private readonly long B, T;");
        code.Line("private const long past = 0;");
        code.Line();
        code.Line($"public IlgpuTraining({model.ClassName} model, int batch, int length)");
        code.Line($"    : base(model, batch, length, {plan.Metrics.Sum(m => m.Rows * m.Columns)}{(masked ? ", isMasked: true" : "")})");
        code.Block();
        LimitLength(code, longest, "length");
        code.Line("(B, T, _team) = (batch, length, Team);");
        code.Line("(_weights, _gradients, _metrics, _tokens) = (DeviceWeights, DeviceGradients, DeviceMetrics, DeviceTokens);");
        if (masked)
        {
            code.Line("_targetWeights = DeviceTargetWeights;");
        }

        emitter.Places(code, "_arena");
        code.Close();
        code.Line();
        code.Line("protected override long ProgramBytes => _arena.Bytes + _arenaOfInts.Bytes;");
        code.Line();
        Passes(code, emitter, layout, plan);
        DisposeArenas(code);
        code.Close();
        Kernels(code, kernels, emitter);
        code.Close();
        return new($"{model.ClassName}.Training.Ilgpu.g.cs", code.ToString()) { IsBody = true };
    }

    public static GeneratedFile Inference(EmissionBuffers buffers, BoundModel model, string ns, WeightLayout layout, InferencePlan plan, string? folder)
    {
        var program = plan.Program;
        var emitter = new ProgramEmitter(IlgpuDialect.Instance, program, cached: true, buffers, folder);
        var run = buffers.Statements.Restart(3);
        emitter.Statements(run, 0, program.Top.Steps.Count);
        const string kernels = "InferenceKernels";
        var code = Header(buffers, model, ns, kernels);
        code.Open($"public sealed partial class {model.ClassName}");
        ModelEmitter.New(code, "IlgpuInference", "int slots, int rows, int capacity, CacheFormat format", "slots, rows, capacity, format");
        code.Line();
        code.Open("private sealed class IlgpuInference : IlgpuInferenceProgram");
        var used = ModelEmitter.Used(layout, plan);
        Fields(code, emitter, emitter.Caches.Select(c => c.Name), ["_tokens", "_rows"]);
        ModelEmitter.Fields(code, IlgpuDialect.Instance, layout, used);
        code.Line("private readonly DeviceArena<float> _cache;");
        code.Line("private readonly long B, capacity;");
        code.Line("private long T, R, past;");
        code.Line();
        code.Line($"public IlgpuInference({model.ClassName} model, int slots, int rows, int capacity, CacheFormat format)");
        code.Line("    : base(model, slots, rows, capacity, format)");
        code.Block();
        LimitLength(code, plan.Longest, "capacity");
        code.Line("(B, T, R, this.capacity, _team) = (slots, Chunk, (long)slots * Chunk, capacity, Team);");
        code.Line("(_tokens, _rows) = (DeviceTokens, DeviceRows);");
        ModelEmitter.Locate(code, "", layout, used);
        code.Line("// Each is alive all the time.");
        code.Line($"_cache = new DeviceArena<float>(_team, [{string.Join(", ", emitter.Caches.Select(c => $"new({ModelEmitter.Quoted(c.Name.TrimStart('_'))}, 4L * {Size(c.Size)}, 0, 0)"))}]);");
        for (var i = 0; i < emitter.Caches.Count; i++)
        {
            code.Line($"{emitter.Caches[i].Name} = _cache[{i.ToString(CultureInfo.InvariantCulture)}];");
        }

        emitter.Places(code, "_arena");
        code.Close();
        code.Line();
        code.Line("protected override long ProgramBytes => _arena.Bytes + _arenaOfInts.Bytes + _cache.Bytes;");
        code.Line();
        code.Open("protected override void Compute(int count, int past, int rows)");
        if (plan.Uncached is { } mixing)
        {
            code.Open("if (past > 0)");
            code.Line($"throw new NotSupportedException({ModelEmitter.Quoted(ModelEmitter.NoCache(model, mixing))});");
            code.Close();
            code.Line();
        }

        code.Line("(T, R, this.past) = (count, rows, past);");
        code.Line("Compute();");
        var logits = IlgpuDialect.Instance.Of(plan.Logits);
        if (plan.SelectsRows)
        {
            code.Line($"RowLaunch.Copy(_team, {logits}, DeviceLogits, R * {plan.Vocabulary}L);");
        }
        else
        {
            code.Line("// The model's result is no plain product: all logits exist, and the asked-for rows are taken from them.");
            code.Line($"Routing.GatherRows(_team, {logits}, _rows, DeviceLogits, R, 1, {plan.Vocabulary});");
        }

        code.Close();
        DisposeArenas(code, "_cache");
        code.Line();
        code.Open("private void Compute()");
        code.Raw(run);
        code.Close();
        code.Close();
        Kernels(code, kernels, emitter);
        code.Close();
        return new($"{model.ClassName}.Inference.Ilgpu.g.cs", code.ToString()) { IsBody = true };
    }

    /// <summary>The fields of a program: the device, the memory that the caller sees, and the arenas.</summary>
    internal static void Fields(CodeWriter code, ProgramEmitter emitter, IEnumerable<string> floats, IEnumerable<string> ints)
    {
        code.Line("private readonly IlgpuDevice _team;");
        if (floats.Any())
        {
            code.Line($"private readonly ArrayView<float> {string.Join(", ", floats)};");
        }

        code.Line($"private readonly ArrayView<int> {string.Join(", ", ints)};");
        code.Line("private readonly DeviceArena<float> _arena;");
        code.Line("private readonly DeviceArena<int> _arenaOfInts;");
        emitter.Fields(code);
    }

    /// <summary>The first lines of a file.</summary>
    internal static CodeWriter Header(EmissionBuffers buffers, BoundModel model, string ns, string kernels, string sizes = "B is the batch and T the time (tokens of a sequence)")
    {
        var code = buffers.File.Restart(0);
        GeneratedHeader.Write(code, $"Generated by Mdl from {model.Origin.Path}. In sizes, {sizes}.");
        foreach (var name in Namespaces)
        {
            code.Line($"using {name};");
        }

        foreach (var name in Ours)
        {
            code.Line($"using {name} = Mdl.Runtime.Ilgpu.Kernels.{name};");
        }

        code.Line($"using static {ns}.{model.ClassName}.{kernels};");
        code.Line();
        code.Line("// ILGPU builds its launchers in an assembly of this name.");
        code.Line("[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"ILGPURuntime\")]");
        code.Line();
        code.Line($"namespace {ns};");
        code.Line();
        return code;
    }

    /// <summary>The methods of a training program: losses, gradients, and what follows the step.</summary>
    internal static void Passes(CodeWriter code, ProgramEmitter emitter, WeightLayout layout, TrainingPlan plan)
    {
        var top = plan.Program.Top;
        code.Open("protected override void ComputeForward()");
        emitter.Statements(code, 0, top.ForwardSteps);
        code.Close();
        code.Line();
        code.Open("protected override void ComputeBackward()");
        emitter.Statements(code, top.ForwardSteps, top.Steps.Count);
        code.Close();
        code.Line();
        code.Open("protected override void CopyStates()");
        foreach (var state in plan.States)
        {
            var target = IlgpuDialect.Instance.Of(Storage.At("_weights").Plus(layout[state.Parameter.Key]));
            code.Line(IlgpuDialect.Instance.Copy(state.Next, target, state.Parameter.Size) + $" // {state.Parameter.Key}");
        }

        code.Close();
    }

    /// <summary>The method that frees the memory of a program.</summary>
    internal static void DisposeArenas(CodeWriter code, params string[] others)
    {
        code.Line();
        code.Open("protected override void DisposeArenas()");
        foreach (var arena in (string[])["_arena", "_arenaOfInts", .. others])
        {
            code.Line($"{arena}.Dispose();");
        }

        code.Close();
    }

    /// <summary>The fused kernels of a program.</summary>
    internal static void Kernels(CodeWriter code, string name, ProgramEmitter emitter)
    {
        code.Line();
        code.Line("/// <summary>Fused kernels; threads of a group share a row.</summary>");
        code.Open($"internal static class {name}");
        code.Raw(emitter.Kernels);
        code.Close();
    }

    private static void LimitLength(CodeWriter code, long? longest, string argument) => ModelEmitter.LimitLength(code, longest, argument);
}
