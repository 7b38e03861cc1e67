using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.Profiling;
using Mdl.Runtime.Training;

namespace Mdl.Runtime.Models;

/// <summary>The base of generated model classes: weights in one block of memory, and the programs that run on them.</summary>
public abstract unsafe partial class LanguageModel : IDisposable
{
    private CheckpointMap? _loadedMap;

    /// <summary>Allocates the weights, all zero.</summary>
    /// <param name="device">Where the model runs.</param>
    /// <param name="info">Parameters, metrics and training settings.</param>
    /// <param name="backend">The <see cref="Devices.Device.Backend"/> that the model has programs for beside those for the host, if any.</param>
    /// <param name="format">How matrices are held; all but single precision serves inference alone.</param>
    /// <exception cref="NotSupportedException">The model has no programs for the device.</exception>
    protected LanguageModel(Device device, ModelInfo info, string? backend = null, WeightFormat format = WeightFormat.Single)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(info);
        if (device.Backend is { } needed && needed != backend)
        {
            throw new NotSupportedException(
                $"{info.Name} has no programs for the device {device.Name}: it was compiled without a reference to {needed}. "
                + $"Reference the package {needed} in the project that holds the .mdl file of {info.Name}, and rebuild it.");
        }

        Device = device;
        Info = info;
        HasMtp = info.MtpDepth > 0;
        Store = new WeightStore(device, info, format);
    }

    /// <summary>Where the model runs.</summary>
    public Device Device { get; }

    /// <summary>Parameters, metrics and training settings.</summary>
    public ModelInfo Info { get; }

    /// <summary>How matrices are held.</summary>
    public WeightFormat WeightFormat => Store.Format;

    /// <summary>Bytes that the weights take.</summary>
    public long WeightBytes => Store.Bytes;

    /// <summary>The weights in whatever format they are held; programs for inference read them here.</summary>
    public WeightStore Store { get; }

    /// <summary>The weight memory: <see cref="ModelInfo.TotalSize"/> floats.</summary>
    /// <exception cref="NotSupportedException">The weights are held in a short format.</exception>
    public DeviceBuffer WeightBuffer => Store.Floats ?? throw new NotSupportedException(
        $"{Info.Name} holds its weights as {WeightFormat}, for inference alone; training and access to single weights need {nameof(WeightFormat)}.{WeightFormat.Single}.");

    /// <summary>The trained weights, which lie at the offsets of their parameters: those of adapters even where the others are held in a short format.</summary>
    /// <exception cref="NotSupportedException">The weights are held in a short format, and there are no adapters.</exception>
    public float* TrainedWeights => (Store.Trained ?? WeightBuffer).Host;

    /// <summary>The weights as the host sees them. On a device with memory of its own, read it again after each step: see <see cref="DeviceBuffer.Host"/>.</summary>
    public float* Weights => WeightBuffer.Host;

    /// <summary>Gives every parameter and state its first value. The result depends on the seed and the paths only, not on the number of threads.</summary>
    public void Initialize(ulong seed) => WeightInitializer.Run(this, seed);

    /// <summary>One instance of a parameter or state.</summary>
    /// <param name="parameter">Its index in <see cref="ModelInfo.Parameters"/>.</param>
    /// <param name="instance">Which repetition; 0 if it is not repeated.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such parameter or instance.</exception>
    public Tensor GetTensor(int parameter, int instance = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(parameter);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(parameter, Info.Parameters.Count);
        var info = Info.Parameters[parameter];
        ArgumentOutOfRangeException.ThrowIfNegative(instance);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(instance, info.Instances);
        return new Tensor(Weights + info.Offset + (instance * info.InstanceSize), info.Shape);
    }

    /// <summary>A program that computes losses and gradients of batches of one size.</summary>
    /// <param name="batch">Sequences in a batch.</param>
    /// <param name="length">Predicted tokens in a sequence; a batch has length + 1 + MtpDepth tokens in each.</param>
    public abstract TrainingProgram CreateTrainingProgram(int batch, int length);

    /// <summary>A program that computes logits with a key/value cache, for sequences of equal length.</summary>
    /// <param name="batch">Sequences side by side.</param>
    /// <param name="chunk">Most tokens of a sequence in one run.</param>
    /// <param name="capacity">Most tokens of a sequence in the cache.</param>
    public InferenceProgram CreateInferenceProgram(int batch, int chunk, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, chunk);
        return CreateInferenceProgram(batch, checked(batch * chunk), capacity, CacheFormat.Single);
    }

    /// <summary>A program that computes logits with a key/value cache, for sequences of any lengths.</summary>
    /// <param name="slots">Sequences in the cache.</param>
    /// <param name="rows">Most tokens in one run, of all sequences together.</param>
    /// <param name="capacity">Most tokens of a sequence in the cache.</param>
    /// <param name="format">How the cache holds its numbers.</param>
    public abstract InferenceProgram CreateInferenceProgram(int slots, int rows, int capacity, CacheFormat format);

    /// <summary>How it predicts several tokens ahead.</summary>
    public virtual DraftInfo Drafts => DraftInfo.None;

    /// <summary>
    /// The program of one depth of multi-token prediction. Its tokens are those that many positions later, and it is given what the depth before left for
    /// each row; row t's logits are of the token after that.
    /// </summary>
    /// <param name="depth">From 1 on.</param>
    /// <param name="slots">Sequences in its cache.</param>
    /// <param name="rows">Most tokens in one run, of all sequences together.</param>
    /// <param name="capacity">Most tokens of a sequence.</param>
    /// <param name="format">How the cache holds its numbers.</param>
    /// <exception cref="NotSupportedException">The model has no such depth, or no program of it for the device.</exception>
    public InferenceProgram CreateDraftProgram(int depth, int slots, int rows, int capacity, CacheFormat format)
    {
        if (depth < 1 || depth > Drafts.Depth)
        {
            throw new NotSupportedException(
                Drafts.Problem is { } problem ? $"{Info.Name} cannot predict ahead: {problem}."
                : $"{Info.Name} has {Drafts.Depth} depths of multi-token prediction, not {depth}.");
        }

        return (Device.Backend is null ? NewDraft(depth, slots, rows, capacity, format) : null)
            ?? throw new NotSupportedException($"{Info.Name} predicts several tokens ahead on the host only, not on {Device.Name}.");
    }

    /// <summary>The bytes of a program of <see cref="CreateDraftProgram"/>, without allocating any of it.</summary>
    public virtual long DraftBytes(int depth, int slots, int rows, int capacity, CacheFormat format) => 0;

    /// <summary>Makes the program of a depth on the host.</summary>
    protected virtual InferenceProgram? NewDraft(int depth, int slots, int rows, int capacity, CacheFormat format) => null;

    /// <summary>Memory, programs and optimizer for training this model.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public Trainer CreateTrainer(TrainingOptions options) => new(this, options);

    /// <summary>Memory and programs for continuing texts of up to <paramref name="capacity"/> tokens, the prompt included.</summary>
    /// <param name="capacity">The most tokens of prompt and continuation together.</param>
    /// <param name="speculate">The most tokens, up to 3, that multi-token prediction proposes; see <see cref="Generator"/>.</param>
    public Generator CreateGenerator(int capacity, int speculate = 0) => new(this, capacity, speculate: speculate);

    /// <summary>Memory and programs for continuing many texts at once: see <see cref="SessionPool"/>.</summary>
    /// <param name="slots">Most sessions at a time.</param>
    /// <param name="capacity">Most tokens of prompt and continuation together.</param>
    /// <param name="chunk">Most prompt tokens, of all sessions together, in one step.</param>
    /// <param name="format">How the key/value cache holds its numbers.</param>
    /// <param name="speculate">The most tokens of each text, up to 3, that multi-token prediction proposes; see <see cref="Generator"/>.</param>
    public SessionPool CreateSessions(int slots, int capacity, int chunk = 128, CacheFormat format = CacheFormat.Single, int speculate = 0) =>
        new(this, slots, capacity, chunk, format, speculate: speculate);

    /// <summary>The logits of a sequence, [tokens, Vocabulary]. For a look at the model; <see cref="CreateInferenceProgram(int, int, int)"/> is for use in a loop.</summary>
    /// <exception cref="ArgumentException">There are no tokens, or one is outside the vocabulary.</exception>
    public float[] Forward(ReadOnlySpan<int> tokens)
    {
        if (tokens.Length == 0)
        {
            throw new ArgumentException("There are no tokens.", nameof(tokens));
        }

        TokenRange.Check(tokens, Info.Vocabulary);
        using var program = CreateInferenceProgram(1, tokens.Length, tokens.Length);
        tokens.CopyTo(new Span<int>(program.Tokens, tokens.Length));
        program.Run(tokens.Length, 0, lastOnly: false);
        return new ReadOnlySpan<float>(program.Logits, checked(tokens.Length * Info.Vocabulary)).ToArray();
    }

    /// <summary>A continuation of a prompt, without it. <see cref="CreateGenerator"/> is for use in a loop or for streaming.</summary>
    /// <param name="prompt">At least one token.</param>
    /// <param name="count">The most tokens to generate.</param>
    /// <param name="options">How to draw; greedily if null.</param>
    /// <exception cref="ArgumentException">The prompt is empty or outside the vocabulary, or an option is out of its range.</exception>
    public int[] Generate(ReadOnlySpan<int> prompt, int count, SamplingOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        using var generator = CreateGenerator(checked(prompt.Length + count));
        var output = new int[count];
        return output[..generator.Generate(prompt, output, options ?? SamplingOptions.Greedy)];
    }

    /// <summary>
    /// Writes the weights to a safetensors file, atomically, in the format in which they are held: see <see cref="Checkpoint.SaveModel"/>. Files of a short format
    /// are used where they lie when they are loaded again, without being read.
    /// </summary>
    public void Save(string path) => Checkpoint.SaveModel(this, path);

    /// <summary>
    /// Writes the weights as a published checkpoint, which <c>Load</c>, Transformers and the converter of llama.cpp read: config.json, safetensors files with the
    /// names of the checkpoint declaration, and what lay beside the weights in the folder that the model was loaded from. Weights held in a short format are
    /// written as what they stand for. Without <see cref="HasMtp"/> there are no tensors of multi-token prediction.
    /// </summary>
    /// <param name="folder">The folder. One that is there is replaced as a whole or not at all; its files that are no part of a checkpoint stay.</param>
    /// <param name="options">Type and size of the files; bfloat16 in files of 5 GB if null.</param>
    /// <exception cref="SafetensorsException">
    /// The source declares no checkpoint, adapters are not merged, a weight is beyond what the type holds, the folder has folders in it, or the one to copy from is not there.
    /// </exception>
    public void SaveFolder(string folder, FolderOptions? options = null)
    {
        if (Info.Adapters.Count > 0 && !Checkpoint.HaveNoEffect(this))
        {
            throw new SafetensorsException($"{folder}: {Info.Name} has adapters, for which a published checkpoint has no place; {nameof(MergeAdapters)} adds them to their matrices.");
        }

        var map = _loadedMap ?? Checkpoints.FirstOrDefault()
            ?? throw new SafetensorsException($"{folder}: the source of {Info.Name} declares no checkpoint, so folders cannot be written.");
        FolderWriter.Write(this, folder, map, options ?? new());
    }

    /// <summary>The folder of the published checkpoint that the weights were read from last, or null.</summary>
    public string? LoadedFolder { get; private set; }

    /// <summary>Where published checkpoints keep the parameters, as the source declares.</summary>
    public virtual IReadOnlyList<CheckpointMap> Checkpoints => [];

    /// <summary>False if the weights were read from a published checkpoint without those of multi-token prediction, which then are as they were before.</summary>
    public bool HasMtp { get; private set; }

    /// <summary>
    /// Reads the weights from a model or training checkpoint, or from the folder of a published one. Nothing is overwritten unless the whole fits. Adapters that
    /// are not in the file start anew: see <see cref="InitializeAdapters"/>.
    /// </summary>
    /// <exception cref="SafetensorsException">The file or folder is damaged or belongs to another model.</exception>
    public void LoadWeights(string path)
    {
        try
        {
            ReadWeights(path);
        }
        catch (NotFiniteNumberException exception)
        {
            throw new SafetensorsException($"{path}: {exception.Message}", exception);
        }
    }

    private void ReadWeights(string path)
    {
        if (Directory.Exists(path))
        {
            using var folder = HuggingFaceFolder.Open(path, Info, Checkpoints);
            folder.ReadTo(Store);
            InitializeAdapters(seed: 0);
            HasMtp = Info.MtpDepth > 0 && folder.HasMtp;
            (LoadedFolder, _loadedMap) = (Path.GetFullPath(path), folder.Map);
        }
        else
        {
            HasMtp = Checkpoint.LoadModel(this, path) && Info.MtpDepth > 0;
            (LoadedFolder, _loadedMap) = (null, null);
        }
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        Store.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Computes loss, metrics and gradients for one batch size. Allocates nothing after construction.</summary>
public abstract unsafe class TrainingProgram : IDisposable
{
    /// <summary>Sequences in a batch.</summary>
    public abstract int Batch { get; }

    /// <summary>Predicted tokens in a sequence.</summary>
    public abstract int Length { get; }

    /// <summary>Bytes of the arena that holds activations, saved values and temporaries.</summary>
    public abstract long ArenaBytes { get; }

    /// <summary>The launches of a run and their costs, for the sizes at hand; none for a program that does not tell.</summary>
    public virtual IReadOnlyList<LaunchInfo> Launches => [];

    /// <summary>Where the caller puts the tokens: [Batch, Length + 1 + MtpDepth].</summary>
    public abstract int* Tokens { get; }

    /// <summary>
    /// Where the caller puts the weight of each token as a target, laid out as <see cref="Tokens"/>; null if the model is not compiled with <c>objective
    /// next_token(masked)</c>. The first token of a sequence is no target.
    /// </summary>
    public virtual float* TargetWeights => null;

    /// <summary>The gradient of the loss, laid out as the trainable part of the weights; padding stays zero.</summary>
    public abstract float* Gradients { get; }

    /// <summary>Loss parts and expert loads after <see cref="Forward"/>, laid out by <see cref="ModelInfo.Metrics"/>.</summary>
    public abstract ReadOnlySpan<float> Metrics { get; }

    /// <summary>Computes the metrics for <see cref="Tokens"/>.</summary>
    public abstract void Forward();

    /// <summary>Overwrites <see cref="Gradients"/>; call after <see cref="Forward"/>.</summary>
    public abstract void Backward();

    /// <summary>The sum of the squares of <see cref="Gradients"/>, added in an order that depends on their number alone.</summary>
    public virtual double SquaredGradientNorm(LanguageModel model) => Optimizer.SquaredNorm(model.Device.Team, Gradients, model.Info.TrainableSize);

    /// <summary>AdamW with <see cref="Gradients"/> on weights begin .. begin + count - 1.</summary>
    /// <param name="model">The model that the program was made for.</param>
    /// <param name="moments">First and second moments, one behind the other, each laid out as the trainable weights.</param>
    /// <param name="begin">The first weight.</param>
    /// <param name="count">How many.</param>
    /// <param name="step">The numbers of the update.</param>
    public virtual void Update(LanguageModel model, DeviceBuffer moments, long begin, long count, in AdamWStep step) =>
        Optimizer.AdamW(
            model.Device.Team, model.TrainedWeights, Gradients, moments.Host, moments.Host + model.Info.TrainableSize, begin, count, step, zeroGradient: false);

    /// <summary>Writes the next values of the states (computed by <see cref="Forward"/>) into the weights.</summary>
    public abstract void CommitStates();

    /// <inheritdoc/>
    public abstract void Dispose();
}
