using Mdl.Compiler.Planning;
using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Emission.Ilgpu;

/// <summary>Writes the programs of a diffusion's network for ILGPU devices, from the same plans as those for the host.</summary>
internal static class IlgpuNetworkEmitter
{
    private const string Sizes = "B is the number of samples";

    public static GeneratedFile Training(EmissionBuffers buffers, BoundModel model, string ns, WeightLayout layout, TrainingPlan plan, string? folder)
    {
        var emitter = new ProgramEmitter(IlgpuDialect.Instance, plan.Program, cached: false, buffers, folder, ProgramEmitter.ArithmeticOf(model));
        const string kernels = "TrainingKernels";
        var code = Begin(buffers, model, ns, kernels, "Training", "int batch", "batch", emitter, ["_weights", "_gradients", "_metrics", "_in_clean", "_in_noise", "_in_sigma"]);
        code.Line("private readonly long B;");
        code.Line();
        code.Line($"public IlgpuTraining({model.ClassName} model, int batch)");
        code.Line($"    : base(model, batch, {plan.Metrics.Sum(m => m.Rows * m.Columns)})");
        code.Block();
        code.Line("(B, _team) = (batch, Team);");
        code.Line("(_weights, _gradients, _metrics) = (DeviceWeights, DeviceGradients, DeviceMetrics);");
        code.Line("(_in_clean, _in_noise, _in_sigma, _in_label) = (DeviceClean, DeviceNoise, DeviceSigma, DeviceLabel);");
        emitter.Places(code, "_arena");
        code.Close();
        code.Line();
        code.Line("protected override long ArenaBytes => _arena.Bytes + _arenaOfInts.Bytes;");
        code.Line();
        IlgpuModelEmitter.Passes(code, emitter, layout, plan);
        return End(code, model, kernels, "Training", emitter);
    }

    /// <summary>The denoiser, perhaps with its derivative.</summary>
    public static GeneratedFile Denoising(EmissionBuffers buffers, BoundModel model, string ns, string name, ProgramPlan plan, string? folder)
    {
        var pulls = name == "Pullback";
        var emitter = new ProgramEmitter(IlgpuDialect.Instance, plan, cached: false, buffers, folder);
        var kernels = name + "Kernels";
        var code = Begin(
            buffers, model, ns, kernels, name, "int rows", "rows", emitter,
            ["_weights", "_in_y", "_in_sigma", "_out_denoised", .. pulls ? new[] { "_in_direction", "_out_pulled" } : []]);
        code.Line("private long B;");
        code.Line();
        code.Open($"public Ilgpu{name}({model.ClassName} model, int rows) : base(model, rows{(pulls ? ", pulls: true" : "")})");
        code.Line("(B, _team) = (rows, Team);");
        code.Line("(_weights, _in_y, _in_sigma, _in_label, _out_denoised) = (DeviceWeights, DeviceNoisy, DeviceSigma, DeviceLabel, DeviceDenoised);");
        if (pulls)
        {
            code.Line("(_in_direction, _out_pulled) = (DeviceDirection, DevicePulled);");
        }

        emitter.Places(code, "_arena");
        code.Close();
        code.Line();
        code.Open("protected override void Compute(int rows)");
        code.Line("B = rows;");
        emitter.Statements(code, 0, plan.Top.Steps.Count);
        code.Close();
        return End(code, model, kernels, name, emitter);
    }

    private static CodeWriter Begin(
        EmissionBuffers buffers, BoundModel model, string ns, string kernels, string name, string parameter, string argument, ProgramEmitter emitter, IEnumerable<string> floats)
    {
        const string Networks = "Mdl.Runtime.Diffusion.Networks";
        var isTraining = name == "Training";
        var code = IlgpuModelEmitter.Header(buffers, model, ns, kernels, Sizes);
        code.Open($"public sealed partial class {model.ClassName}");
        code.Line($"partial void NewIlgpu{name}({parameter}, ref {Networks}.Denoising{(isTraining ? "Training" : "Program")} program) => program = new Ilgpu{name}(this, {argument});");
        code.Line();
        code.Open($"private sealed class Ilgpu{name} : IlgpuDenoising{(isTraining ? "Training" : "Program")}");
        IlgpuModelEmitter.Fields(code, emitter, floats, ["_in_label"]);
        code.Line("private const long past = 0, T = 1;");
        return code;
    }

    private static GeneratedFile End(CodeWriter code, BoundModel model, string kernels, string name, ProgramEmitter emitter)
    {
        IlgpuModelEmitter.DisposeArenas(code);
        code.Close();
        IlgpuModelEmitter.Kernels(code, kernels, emitter);
        code.Close();
        return new($"{model.ClassName}.{name}.Ilgpu.g.cs", code.ToString()) { IsBody = true };
    }
}
