using System.Globalization;
using Mdl.Compiler.Emission.Ilgpu;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.ModelEmitter;

namespace Mdl.Compiler.Emission;

/// <summary>Writes the network of a diffusion: its weights, its trainer, and the programs that denoise and train.</summary>
internal static class NetworkEmitter
{
    private const string Runtime = "Mdl.Runtime.Diffusion.Networks";

    /// <summary>The programs, each a file of its own that an editor may leave out.</summary>
    public static IEnumerable<GeneratedFile> Programs(
        EmissionBuffers buffers, BoundDiffusion diffusion, string ns, TrainingPlan training, CompileOptions options, CancellationToken cancellation)
    {
        var model = diffusion.Score.Network!.Model;
        var (layout, folder) = (new WeightLayout(model), options.SourceFolder);
        yield return new($"{model.ClassName}.Training.g.cs", Training(buffers, diffusion, ns, layout, training, folder)) { IsBody = true };
        yield return new($"{model.ClassName}.Denoising.g.cs", Denoising(buffers, diffusion, ns, "Denoising", ModelPlans.Denoising(model, layout, cancellation), folder)) { IsBody = true };
        yield return new($"{model.ClassName}.Pullback.g.cs", Denoising(buffers, diffusion, ns, "Pullback", ModelPlans.Pullback(model, layout, cancellation), folder)) { IsBody = true };
        if (options.EmitIlgpu && IlgpuLimits.Exceeded(model) is null)
        {
            yield return IlgpuNetworkEmitter.Training(buffers, model, ns, layout, ModelPlans.Training(model, layout, cancellation, rowsAlone: true), folder);
            yield return IlgpuNetworkEmitter.Denoising(buffers, model, ns, "Denoising", ModelPlans.Denoising(model, layout, cancellation, rowsAlone: true), folder);
            yield return IlgpuNetworkEmitter.Denoising(buffers, model, ns, "Pullback", ModelPlans.Pullback(model, layout, cancellation, rowsAlone: true), folder);
        }
    }

    /// <summary>The members of the class, without samplers.</summary>
    public static void Members(CodeWriter code, BoundDiffusion diffusion, IReadOnlyList<MetricPlan> metrics, bool emitIlgpu)
    {
        var network = diffusion.Score.Network!;
        var (model, name) = (network.Model, diffusion.ClassName);
        var layout = new WeightLayout(model);
        var exceeded = emitIlgpu ? IlgpuLimits.Exceeded(model) : null;
        code.Line("/// <summary>The number of coordinates of a sample.</summary>");
        code.Line($"public new const int Dimensions = {Size(diffusion)};");
        code.Line();
        if (network.Classes > 0)
        {
            code.Line($"/// <summary>The number of classes of {network.Condition}.</summary>");
            code.Line($"public const int Classes = {network.Classes};");
            code.Line();
        }

        code.Line("/// <summary>Number of trainable values.</summary>");
        code.Line($"public const long ParameterCount = {layout.Parameters.Where(p => !p.IsState).Sum(p => p.Size)}L;");
        code.Line();
        Info(code, model, layout, 0, metrics);
        code.Line("    ]);");
        code.Line();
        code.Line($"private static {Runtime}.DiffusionInfo DiffusionInfo {{ get; }} = new({Size(diffusion)}, {network.Classes}, {Text(network.Drop)}, {Text(network.Training.Average)}, {Noise(diffusion)});");
        code.Line();
        code.Line("/// <summary>A model whose weights are all zero; see <see cref=\"Create\"/> and <see cref=\"Load\"/>.</summary>");
        code.Line("/// <param name=\"device\">Where it runs; the shared host device if null.</param>");
        code.Open($"public {name}(Device? device = null) : base(device ?? Device.Host, ModelInfo, DiffusionInfo{(emitIlgpu ? ", \"Mdl.Runtime.Ilgpu\"" : "")})");
        code.Line("Parameters = new(this);");
        code.Close();
        code.Line();
        code.Line("/// <summary>The parameters and states, by the names of the source.</summary>");
        code.Line("public ParameterTree Parameters { get; }");
        code.Line();
        code.Line("/// <summary>The learned denoiser.</summary>");
        code.Line($"public {name} Score => this;");
        code.Line();
        code.Line("/// <summary>A model with freshly drawn weights.</summary>");
        code.Line("/// <param name=\"device\">Where it runs; the shared host device if null.</param>");
        code.Line("/// <param name=\"seed\">Equal seeds give equal weights.</param>");
        code.Open($"public static {name} Create(Device? device = null, ulong seed = 0)");
        code.Line($"var model = new {name}(device);");
        code.Line("model.Initialize(seed);");
        code.Line("return model;");
        code.Close();
        code.Line();
        code.Line("/// <summary>A model with the weights of a safetensors file written by <c>Save</c> or by a trainer.</summary>");
        code.Line("/// <param name=\"path\">The file.</param>");
        code.Line("/// <param name=\"device\">Where it runs; the shared host device if null.</param>");
        code.Line("/// <exception cref=\"Mdl.Runtime.Checkpoints.SafetensorsException\">The file is damaged or belongs to another model.</exception>");
        code.Open($"public static {name} Load(string path, Device? device = null)");
        code.Line($"var model = new {name}(device);");
        code.Line("try");
        code.Line("{");
        code.Line("    model.LoadWeights(path);");
        code.Line("    return model;");
        code.Line("}");
        code.Line("catch");
        code.Line("{");
        code.Line("    model.Dispose();");
        code.Line("    throw;");
        code.Line("}");
        code.Close();
        code.Line();
        code.Line("/// <summary>Memory, programs and optimizer for training this model.</summary>");
        code.Line("/// <exception cref=\"ArgumentException\">An option is out of its range; the message names it.</exception>");
        code.Line($"public Trainer CreateTrainer({Runtime}.DiffusionTrainingOptions? options = null) => new(this, new {name}(Device), options ?? new());");
        code.Line();
        code.Line("/// <inheritdoc/>");
        Create(code, "DenoisingProgram", "CreateProgram", "Denoising", "rows", emitIlgpu, exceeded);
        code.Line();
        code.Line("/// <inheritdoc/>");
        Create(code, "DenoisingProgram", "CreatePullback", "Pullback", "rows", emitIlgpu, exceeded);
        code.Line();
        code.Line("/// <inheritdoc/>");
        Create(code, "DenoisingTraining", "CreateTraining", "Training", "batch", emitIlgpu, exceeded);
        code.Line();
        code.Line("// The programs are in files of their own, which an editor may leave out.");
        code.Line($"partial void NewDenoising(int rows, ref {Runtime}.DenoisingProgram program);");
        code.Line();
        code.Line($"partial void NewPullback(int rows, ref {Runtime}.DenoisingProgram program);");
        code.Line();
        code.Line($"partial void NewTraining(int batch, ref {Runtime}.DenoisingTraining program);");
        if (emitIlgpu && exceeded is null)
        {
            code.Line();
            code.Line($"partial void NewIlgpuDenoising(int rows, ref {Runtime}.DenoisingProgram program);");
            code.Line();
            code.Line($"partial void NewIlgpuPullback(int rows, ref {Runtime}.DenoisingProgram program);");
            code.Line();
            code.Line($"partial void NewIlgpuTraining(int batch, ref {Runtime}.DenoisingTraining program);");
        }

        code.Line();
        code.Line("/// <summary>Trains the network.</summary>");
        code.Open($"public sealed class Trainer : {Runtime}.DiffusionTrainer");
        code.Open($"internal Trainer({name} model, {name} average, {Runtime}.DiffusionTrainingOptions options) : base(model, average, options)");
        code.Line("Average = average;");
        code.Close();
        code.Line();
        code.Line("/// <summary>The model with the averaged weights, to sample from and to save; it is the trainer's and changes with each step.</summary>");
        code.Line($"public {name} Average {{ get; }}");
        code.Close();
    }

    /// <summary>The parameters as a tree.</summary>
    public static void Tree(CodeWriter code, BoundDiffusion diffusion)
    {
        var model = diffusion.Score.Network!.Model;
        ParameterTreeEmitter.Write(code, model, new WeightLayout(model));
    }

    private static void Create(CodeWriter code, string type, string method, string program, string argument, bool emitIlgpu, string? exceeded)
    {
        code.Open($"public override {Runtime}.{type} {method}(int {argument})");
        code.Line($"{Runtime}.{type} program = null!;");
        if (emitIlgpu)
        {
            code.Open("if (Device is Mdl.Runtime.Ilgpu.Devices.IlgpuDevice)");
            code.Line(exceeded is null ? $"NewIlgpu{program}({argument}, ref program);" : $"throw new NotSupportedException({Quoted(exceeded)});");
            if (exceeded is null)
            {
                code.Line("return program;");
            }

            code.Close();
            code.Line();
        }

        code.Line($"New{program}({argument}, ref program);");
        code.Line("return program;");
        code.Close();
    }

    private static string Noise(BoundDiffusion diffusion)
    {
        var (training, process) = (diffusion.Score.Network!.Training, diffusion.Process);
        var numbers = string.Join(", ", training.NoiseNumbers.Select(Text));
        return $"{Runtime}.NoiseDistribution." + training.Noise switch
        {
            "lognormal" => $"LogNormal({numbers})",
            "loguniform" => $"LogUniform({numbers})",
            _ when process.IsDiscrete => $"Uniform({DiffusionEmitter.Discrete(process)})",
            _ when process.Kind == "flow" => "Uniform(ContinuousProcess.Flow(), 0.001, 0.999)",
            _ when process.Kind == "ve" => process.Numbers.Count == 2 ? $"LogUniform({Text(process.Numbers[0])}, {Text(process.Numbers[1])})" : "LogUniform(0.002, 80)",
            _ => $"Uniform({DiffusionEmitter.Continuous(process)})",
        };
    }

    private static string Training(EmissionBuffers buffers, BoundDiffusion diffusion, string ns, WeightLayout layout, TrainingPlan plan, string? folder)
    {
        var model = diffusion.Score.Network!.Model;
        var emitter = new ProgramEmitter(HostDialect.Instance, plan.Program, cached: false, buffers, folder, ProgramEmitter.ArithmeticOf(model));
        var code = Begin(buffers, diffusion, ns, "Training", "batch", "DenoisingTraining");
        code.Line("private readonly float* _gradients, _metrics, _in_clean, _in_noise, _in_sigma;");
        code.Line("private readonly int* _in_label;");
        code.Line("private readonly long B;");
        emitter.Fields(code);
        code.Line();
        var metrics = plan.Metrics.Sum(m => m.Rows * m.Columns).ToString(CultureInfo.InvariantCulture);
        code.Open($"public Training({model.ClassName} model, int batch) : base(batch, {Size(diffusion)}, {layout.TrainableSize}L, {metrics})");
        code.Line("B = batch;");
        Locate(code);
        code.Line("_gradients = Gradients;");
        code.Line("_metrics = MetricMemory;");
        code.Line("_in_clean = Clean;");
        code.Line("_in_noise = Noise;");
        code.Line("_in_sigma = Sigma;");
        code.Line("_in_label = Label;");
        emitter.Places(code, "_arena");
        code.Close();
        code.Line();
        code.Line("public override IReadOnlyList<LaunchInfo> Launches => _launches ??= LaunchesOf(B, T);");
        code.Line();
        code.Line("protected override long ProgramBytes => _arena.Bytes;");
        var forwardLaunches = TrainingMethods.Write(code, emitter, model, layout, plan);
        return End(code, emitter, forwardLaunches);
    }

    /// <summary>A program of the denoiser, perhaps with its derivative.</summary>
    private static string Denoising(EmissionBuffers buffers, BoundDiffusion diffusion, string ns, string program, Planning.ProgramPlan plan, string? folder)
    {
        var pulls = program == "Pullback";
        var model = diffusion.Score.Network!.Model;
        var emitter = new ProgramEmitter(HostDialect.Instance, plan, cached: false, buffers, folder);
        var code = Begin(buffers, diffusion, ns, program, "rows", "DenoisingProgram");
        code.Line($"private readonly float* _in_y, _in_sigma, _out_denoised{(pulls ? ", _in_direction, _out_pulled" : "")};");
        code.Line("private readonly int* _in_label;");
        code.Line("private long B;");
        emitter.Fields(code);
        code.Line();
        code.Open($"public {program}({model.ClassName} model, int rows) : base(rows, {Size(diffusion)}{(pulls ? ", pulls: true" : "")})");
        code.Line("B = rows;");
        Locate(code);
        code.Line("_in_y = Noisy;");
        code.Line("_in_sigma = Sigma;");
        code.Line("_in_label = Label;");
        code.Line("_out_denoised = Denoised;");
        if (pulls)
        {
            code.Line("_in_direction = Direction;");
            code.Line("_out_pulled = Pulled;");
        }

        emitter.Places(code, "_arena");
        code.Close();
        code.Line();
        code.Line("public override IReadOnlyList<LaunchInfo> Launches => B == Rows ? _launches ??= LaunchesOf(B, T) : LaunchesOf(B, T);");
        code.Line();
        code.Open("public override void Run(int rows)");
        code.Line("ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, Rows);");
        code.Line("B = rows;");
        Enter(code, model, pulls ? "pullback" : "denoising");
        emitter.Statements(code, 0, plan.Top.Steps.Count);
        code.Line("profile?.End();");
        code.Close();
        return End(code, emitter, emitter.Launches);
    }

    private static CodeWriter Begin(EmissionBuffers buffers, BoundDiffusion diffusion, string ns, string program, string size, string type)
    {
        var code = Header(buffers, diffusion.Score.Network!.Model, ns, "B is the number of samples");
        code.Open($"public sealed partial class {diffusion.ClassName}");
        code.Line($"partial void New{program}(int {size}, ref {Runtime}.{type} program) => program = new {program}(this, {size});");
        code.Line();
        code.Open($"private sealed unsafe class {program} : {Runtime}.{type}");
        code.Line("private const long past = 0, T = 1;");
        code.Line("private readonly Device _device;");
        code.Line("private readonly Team _team;");
        code.Line("private LaunchInfo[]? _launches;");
        code.Line("private readonly float* _weights;");
        code.Line("private readonly Arena _arena;");
        return code;
    }

    private static string Size(BoundDiffusion diffusion) => diffusion.Dimensions!.Value.ToString(CultureInfo.InvariantCulture);

    private static void Locate(CodeWriter code)
    {
        code.Line("_device = model.Device;");
        code.Line("_team = _device.Team;");
        code.Line("_weights = model.Weights;");
    }

    private static string End(CodeWriter code, ProgramEmitter emitter, int forwardLaunches)
    {
        code.Line();
        code.Line("protected override void DisposeArena() => _arena.Dispose();");
        emitter.Tables(code, forwardLaunches);
        code.Raw(emitter.Kernels);
        code.Close();
        code.Close();
        return code.ToString();
    }
}
