using System.Globalization;
using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.Models;

namespace Mdl.Benchmarks.Own;

/// <summary>What a process of ours can be asked for.</summary>
internal sealed class Requests(int threads) : IDisposable
{
    private const long BandwidthBlock = 1 << 28;
    private readonly Compilation _compilation = new();
    private Device? _device;
    private Training? _training;
    private Serving? _serving;

    private Device Device => _device ??= new Device(threads);

    /// <summary>Answers a request; the numbers are seconds unless said otherwise.</summary>
    public IEnumerable<double> Handle(string[] words)
    {
        switch (words[0])
        {
            case "peak": // [format]: GFLOP/s
                return [MachineLimits.MeasureMultiplyAddPeak(Device.Team, format: Format(words, 1)) / 1e9];
            case "bandwidth": // GB/s
                return [MachineLimits.MeasureReadBandwidth(Device.Team, BandwidthBlock) / 1e9];
            case "gemm": // m n k layout seconds: best and middle run
                return Products.Time(
                    Device.Team, Int(words[1]), Int(words[2]), Int(words[3]), words[4], double.Parse(words[5], CultureInfo.InvariantCulture));
            case "attend": // length heads keyHeads seconds
                return LargeKernels.Attend(Device.Team, Int(words[1]), Int(words[2]), Int(words[3]), double.Parse(words[4], CultureInfo.InvariantCulture));
            case "cross-entropy": // tokens width words seconds
                return LargeKernels.CrossEntropy(Device.Team, Int(words[1]), Int(words[2]), Int(words[3]), double.Parse(words[4], CultureInfo.InvariantCulture));
            case "gemm-bf16": // size seconds
                return LargeKernels.ShortProduct(Device.Team, Int(words[1]), double.Parse(words[2], CultureInfo.InvariantCulture));
            case "gemm-int8": // size seconds
                return LargeKernels.ByteProduct(Device.Team, Int(words[1]), double.Parse(words[2], CultureInfo.InvariantCulture));
            case "row-bf16": // depth columns seconds
                return LargeKernels.RowTimesMatrix(Device.Team, Int(words[1]), Int(words[2]), double.Parse(words[3], CultureInfo.InvariantCulture));
            case "score": // points queries dimensions seconds: best and middle run
                return KernelScores.Evaluate(
                    Device, Int(words[1]), Int(words[2]), Int(words[3]), double.Parse(words[4], CultureInfo.InvariantCulture));
            case "cross-entropy-memory": // tokens width words: bytes besides operands and results
                return [LargeKernels.CrossEntropyMemory(Device.Team, Int(words[1]), Int(words[2]), Int(words[3]))];
            case "score-sampling": // points samples steps: with blocks left out, and without
                return KernelScores.Sample(Device, Int(words[1]), Int(words[2]), Int(words[3]));
            case "sampler-step": // batch seconds: best and middle run
                return LearnedSampler.Step(Device, Int(words[1]), double.Parse(words[2], CultureInfo.InvariantCulture));
            case "mixture": // tokens runs [format]
                return MixtureLayer.Time(Device, Int(words[1]), Int(words[2]), Format(words, 3) == ElementFormat.BFloat16);
            case "train-begin": // batch length [format]: number of parameters
                _training?.Dispose();
                _training = new Training(Device, Int(words[1]), Int(words[2]), Format(words, 3) == ElementFormat.BFloat16);
                return [_training.Parameters];
            case "train": // steps: each step
                return Enumerable.Range(0, Int(words[1])).Select(_ => WorkerLoop.Seconds(Current.Step)).ToArray();
            case "train-garbage": // steps: managed bytes in a step
                return [Allocations.Per(Int(words[1]), Current.Step)];
            case "arenas": // bytes of weights, activations, gradients and moments
                return [Current.MemoryBytes];
            case "peak-memory": // bytes
                return [WorkerLoop.PeakMemory()];
            case "decode": // prompt tokens: seconds and managed bytes of a token
                return Decoding.Time(Device, Int(words[1]), Int(words[2]));
            case "serve-begin": // format of weights
                _serving?.Dispose();
                _serving = new Serving(Device, Enum.Parse<WeightFormat>(words[1]));
                return [];
            case "serve": // prompt tokens: seconds of the prompt, of a token, of a step of eight sequences
                return (_serving ?? throw new InvalidOperationException("serve comes after serve-begin")).Time(Int(words[1]), Int(words[2]));
            case "serve-save": // format of weights, file
                FirstToken.Save(Device, Enum.Parse<WeightFormat>(words[1]), words[2]);
                return [];
            case "first-token": // file: bytes of memory that is not the file's, and of the weights
                return FirstToken.Load(Device, words[1]);
            case "compile": // one compilation
                return [_compilation.Time()];
            default:
                throw new ArgumentException($"unknown request '{words[0]}'");
        }
    }

    public void Dispose()
    {
        _training?.Dispose();
        _serving?.Dispose();
        _device?.Dispose();
    }

    private Training Current => _training ?? throw new InvalidOperationException("train comes after train-begin");

    private static ElementFormat Format(string[] words, int index) =>
        index < words.Length ? Enum.Parse<ElementFormat>(words[index]) : ElementFormat.Single;

    private static int Int(string word) => int.Parse(word, CultureInfo.InvariantCulture);
}
