using Mdl.Runtime.Devices;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Tests.Generation;

/// <summary>A generator or pool that proposes tokens holds two programs; when one of them cannot be made, nothing of the other may stay.</summary>
public sealed class FailedCreationTests
{
    [Fact]
    public void A_pool_whose_program_cannot_be_made_frees_the_drafter() => Check(model => model.CreateSessions(2, 20, speculate: 1));

    [Fact]
    public void A_generator_whose_program_cannot_be_made_frees_the_drafter() => Check(model => model.CreateGenerator(20, speculate: 1));

    private static void Check(Func<LanguageModel, IDisposable> create)
    {
        using var model = new DraftingModel();
        Assert.Throws<OutOfMemoryException>(() => create(model));
        Assert.NotNull(model.Draft);
        Assert.True(model.Draft.IsDisposed);
    }

    /// <summary>Has a program for multi-token prediction, but no memory for its own.</summary>
    private sealed class DraftingModel() : LanguageModel(Device.Host, new ModelInfo("Drafting", [], 0, 0, 4, 1, Support.BigramModel.Settings, []))
    {
        public DraftProgram? Draft { get; private set; }

        public override DraftInfo Drafts { get; } = new([], 1, true, null);

        public override TrainingProgram CreateTrainingProgram(int batch, int length) => throw new NotSupportedException();

        public override InferenceProgram CreateInferenceProgram(int slots, int rows, int capacity, CacheFormat format) => throw new OutOfMemoryException();

        protected override InferenceProgram NewDraft(int depth, int slots, int rows, int capacity, CacheFormat format) =>
            Draft = new DraftProgram(slots, rows, capacity);
    }

    private sealed unsafe class DraftProgram(int slots, int rows, int capacity) : InferenceProgram
    {
        public bool IsDisposed { get; private set; }

        public override int Slots => slots;

        public override int Rows => rows;

        public override int Capacity => capacity;

        public override CacheFormat CacheFormat => CacheFormat.Single;

        public override long ArenaBytes => 0;

        public override int* Tokens => null;

        public override float* Logits => null;

        public override void Run(ReadOnlySpan<SequenceRun> runs, bool lastOnly) => throw new NotSupportedException();

        public override void CopyCache(int from, int to, int count) => throw new NotSupportedException();

        public override void Dispose() => IsDisposed = true;
    }
}
