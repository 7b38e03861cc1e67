using System.Globalization;
using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Libtorch;

/// <summary>What the peer can be asked for. The words are those of <c>Mdl.Benchmarks.Own.Requests</c>.</summary>
internal sealed class Requests : IDisposable
{
    private Training? _training;

    /// <summary>Sets up libtorch. Apart from the constructor so that the native library can be made ready before anything refers to it.</summary>
    public static void Begin(int threads)
    {
        set_num_threads(threads);
        random.manual_seed(0);
    }

    public IEnumerable<double> Handle(string[] words)
    {
        switch (words[0])
        {
            case "gemm":
                return Products.Time(Int(words[1]), Int(words[2]), Int(words[3]), words[4], double.Parse(words[5], CultureInfo.InvariantCulture));
            case "attend": // length heads keyHeads seconds
                return LargeKernels.Attend(Int(words[1]), Int(words[2]), Int(words[3]), double.Parse(words[4], CultureInfo.InvariantCulture));
            case "cross-entropy": // tokens width words seconds
                return LargeKernels.CrossEntropy(Int(words[1]), Int(words[2]), Int(words[3]), double.Parse(words[4], CultureInfo.InvariantCulture));
            case "gemm-bf16": // size seconds
                return LargeKernels.ShortProduct(Int(words[1]), double.Parse(words[2], CultureInfo.InvariantCulture));
            case "score": // points queries dimensions seconds
                return KernelScores.Evaluate(Int(words[1]), Int(words[2]), Int(words[3]), double.Parse(words[4], CultureInfo.InvariantCulture));
            case "cross-entropy-memory": // tokens width words: bytes besides operands and gradients
                return [LargeKernels.CrossEntropyMemory(Int(words[1]), Int(words[2]), Int(words[3]))];
            case "sampler-step": // batch seconds
                return new LearnedSampler().Step(Int(words[1]), double.Parse(words[2], CultureInfo.InvariantCulture));
            case "mixture": // tokens runs
                return LargeKernels.Mixture(Int(words[1]), Int(words[2]));
            case "train-begin": // batch length [format]: number of parameters
                _training?.Dispose();
                _training = new Training(Int(words[1]), Int(words[2]), words.Length > 3 ? Enum.Parse<ScalarType>(words[3]) : ScalarType.Float32);
                return [_training.Parameters];
            case "train":
                var training = _training ?? throw new InvalidOperationException("train comes after train-begin");
                return Enumerable.Range(0, Int(words[1])).Select(_ => WorkerLoop.Seconds(training.Step)).ToArray();
            case "peak-memory":
                return [WorkerLoop.PeakMemory()];
            default:
                throw new ArgumentException($"unknown request '{words[0]}'");
        }
    }

    public void Dispose() => _training?.Dispose();

    private static int Int(string word) => int.Parse(word, CultureInfo.InvariantCulture);
}
