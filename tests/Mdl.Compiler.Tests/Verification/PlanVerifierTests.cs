using Mdl.Compiler.Emission;
using Mdl.Compiler.Planning;
using Mdl.Compiler.Tests.Models;
using Mdl.Compiler.Verification;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Tests.Verification;

/// <summary>The plans of all models keep the rules; a plan that is broken on purpose does not.</summary>
public class PlanVerifierTests
{
    /// <summary>Files of models and their presets: the samples' and those of the end-to-end tests, but the one that declares samplers only.</summary>
    public static TheoryData<string> Files =>
    [
        .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Data"), "*.mdl").Select(f => Path.GetFileName(f))
            .Where(f => f != "diffusion.mdl").Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Files))]
    public void Plans_of_whole_models_keep_the_rules(string file)
    {
        var compilation = Binder.Bind(new SourceText(file, File.ReadAllText(LingModels.DataPath(file))), Import);
        Assert.DoesNotContain(compilation.Diagnostics, d => d.Severity == Severity.Error);
        var networks = compilation.Diffusions.Select(d => d.Score.Network?.Model).OfType<BoundModel>().ToArray();
        Assert.NotEmpty(compilation.Models.Concat(networks));
        Assert.All(compilation.Models, VerifyAll);
        Assert.All(networks, VerifyNetwork);
    }

    [Fact]
    public void Plans_with_adapters_and_frozen_parts_keep_the_rules() =>
        Assert.All([LingModels.Toy, LingModels.ToyWithAdapters, LingModels.ToyWithFrozenParts], VerifyAll);

    [Fact]
    public void What_is_read_is_written_before() => Refuses("before it is written", plan => Layer(plan).Steps.Reverse());

    [Fact]
    public void What_is_read_is_stored() => Refuses("is not stored", plan =>
    {
        var (scope, value) = ReadByKernel(plan);
        scope.Stored.Remove(value);
    });

    [Fact]
    public void Only_its_epilogue_reads_a_product_without_memory() => Refuses("in scratch memory", plan =>
    {
        var (scope, value) = ReadByKernel(plan);
        scope.Stored[value] = Storage.At(ProductStep.Rows[0]);
    });

    [Fact]
    public void What_is_still_read_is_not_overwritten() => Refuses("overwritten", plan =>
    {
        // The first kernel's value, which a later step reads, gets the place of what that step reads beside it.
        var scope = Layer(plan);
        var own = scope.Stored.Where(s => s.Value.Buffer is not null && s.Value.Slots.Count == 0 && scope.Graph.Nodes[s.Key.Node].Operation is not Leaf).Select(s => s.Key).ToHashSet();
        var pair = scope.Steps.Select(s => scope.Reads(s).Where(own.Contains).ToList()).First(r => r.Count > 1);
        scope.Stored[pair[0]] = scope.Stored[pair[1]];
    });

    [Fact]
    public void What_is_used_is_alive() => Refuses("while it is not alive", plan =>
    {
        var last = plan.Buffers.Max(b => b.Last);
        var (value, storage) = plan.Top.Stored.First(s => s.Value.Buffer is { } b && b.Last < last && plan.Top.Graph.Nodes[s.Key.Node].Operation is not Repeat);
        plan.Top.Steps.Add(new CopyStep(storage, Storage.At("elsewhere"), plan.Top.Graph.Type(value).Size, ElementType.F32));
    });

    [Fact]
    public void What_a_loop_saves_is_in_the_slots_of_its_stack() => Refuses("in its slot", plan =>
    {
        var loop = Loops(plan).First(l => l.Repeat.Body.Outputs.Skip(l.Repeat.Carried).Any(o => o.Node >= l.Repeat.Carried));
        var saved = loop.Repeat.Body.Outputs.Skip(loop.Repeat.Carried).First(o => o.Node >= loop.Repeat.Carried);
        loop.Body.Stored[loop.Body.Fuser.DenseBase(saved)] = Storage.At("elsewhere");
    });

    [Fact]
    public void What_a_loop_carries_has_places_between_iterations() =>
        RefusesCarried("without places between", c => c.Between.Count > 0, c => c with { Between = [] });

    [Fact]
    public void Each_iteration_writes_what_it_carries() => RefusesCarried("no iteration writes", _ => true, c => c with { Out = "elsewhere" });

    [Fact]
    public void The_last_iteration_leaves_its_result() => RefusesCarried("the last iteration leaves it", _ => true, c => c with { Final = Storage.At("elsewhere") });

    [Fact]
    public void A_loop_begins_in_the_first_slot_of_its_stack() =>
        RefusesCarried("in the first slot", c => c.IsPlaced, c => c with { Initial = Storage.At("elsewhere") });

    [Fact]
    public void What_a_loop_uses_of_others_is_alive_during_all_of_it() => Refuses("alive during all of it", plan =>
    {
        // As if a value of the program itself lay where the loop has one of its own.
        var body = Layer(plan);
        plan.Top.Stored[new(0, 1)] = body.Stored.Values.First(s => s.Buffer is not null && !plan.Top.Stored.Values.Any(t => t.Buffer == s.Buffer));
    });

    [Fact]
    public void What_is_copied_is_written_before() => Refuses("copied before it is written", plan =>
    {
        var (value, storage) = plan.Top.Stored.First(s => s.Value.Buffer is not null);
        plan.Top.Steps.Insert(0, new CopyStep(storage, Storage.At("elsewhere"), plan.Top.Graph.Type(value).Size, ElementType.F32));
    });

    [Fact]
    public void What_is_overwritten_in_place_is_read_at_the_same_element() => Refuses("before it has been read", plan =>
    {
        // A kernel that reads more of a row than the element in hand stores over it.
        var (scope, root, read) = Scopes(plan.Top)
            .SelectMany(s => s.Steps.OfType<KernelStep>().SelectMany(k => k.Kernel.Roots).SelectMany(r => s.Fuser.ReadElsewhere(r).Select(v => (Scope: s, Root: r, Read: v))))
            .First(c => c.Root is { Kind: RootKind.Store, Concat: null } && c.Scope.Stored[c.Root.Value].Buffer is not null && c.Scope.Stored[c.Read].Buffer is not null);
        scope.Stored[root.Value].Buffer!.Take(scope.Stored[read].Buffer!);
    });

    [Fact]
    public void What_a_product_reads_is_not_overwritten_by_its_epilogue() => Refuses("before it has been read", plan =>
    {
        var (scope, step, left) = Scopes(plan.Top).SelectMany(s => s.Steps.OfType<ProductStep>().Select(p => (s, p, s.Fuser.TemplateInput(s.Graph.Nodes[p.Nodes[0]], 0).Base)))
            .First(c => c.s.Stored[c.Base].Buffer is not null && c.p.Kernels[0].Roots.Any(r => r.Kind == RootKind.Store && c.s.Stored[r.Value].Buffer is not null));
        scope.Stored[step.Kernels[0].Roots.First(r => r.Kind == RootKind.Store && scope.Stored[r.Value].Buffer is not null).Value].Buffer!.Take(scope.Stored[left].Buffer!);
    });

    [Fact]
    public void A_prologue_makes_the_operand_of_its_product() => Refuses("does not make the left operand", plan =>
    {
        var (scope, at, step) = WithPrologue(plan);
        var other = scope.Steps.OfType<ProductStep>().First(p => p != step).Kernels[0];
        scope.Steps[at] = step with { Prologue = other };
    });

    [Fact]
    public void Only_its_product_reads_an_operand_without_memory() => Refuses("in scratch memory", plan =>
    {
        var (scope, value) = ReadByKernel(plan);
        scope.Stored[value] = Storage.At(ProductStep.Left);
    });

    [Fact]
    public void A_prologue_is_not_overwritten_by_its_product() => Refuses("is overwritten by", plan =>
    {
        var (scope, _, step) = WithPrologue(plan);
        scope.Stored[scope.Fuser.TemplateInput(scope.Graph.Nodes[step.Nodes[0]], 0).Base] = scope.Stored[new(step.Nodes[0])];
    });

    [Fact]
    public void What_is_yielded_is_written() => Refuses("yielded but never written", plan => plan.Top.Steps.RemoveAt(plan.Top.Steps.Count - 1));

    [Fact]
    public void Sums_over_rows_have_memory_for_their_parts() => Refuses("partial sums", plan => Scopes(plan.Top).First(s => s.Partials.Count > 0).Partials.Clear());

    [Fact]
    public void Values_fit_in_their_buffers() => Refuses("ends behind the end", plan =>
    {
        var (value, storage) = plan.Top.Stored.First(s => s.Value.Buffer is not null && plan.Top.Graph.Nodes[s.Key.Node].Operation is not Repeat
            && !plan.Top.Steps.OfType<LoopStep>().Any(l => l.Loop.Carried.Any(c => c.Initial == s.Value)));
        plan.Top.Stored[value] = storage.Plus(plan.Top.Graph.Type(value).Size + 1);
    });

    private static (ScopePlan Scope, int At, ProductStep Step) WithPrologue(ProgramPlan plan)
    {
        var scope = Scopes(plan.Top).First(s => s.Steps.Any(p => p is ProductStep { Prologue: not null }));
        var at = scope.Steps.FindIndex(p => p is ProductStep { Prologue: not null });
        return (scope, at, (ProductStep)scope.Steps[at]);
    }

    private static void VerifyNetwork(BoundModel model)
    {
        var layout = new WeightLayout(model);
        PlanVerifier.Verify(ModelPlans.Training(model, layout, default).Program);
        PlanVerifier.Verify(ModelPlans.Denoising(model, layout, default));
        PlanVerifier.Verify(ModelPlans.Pullback(model, layout, default));
    }

    private static void VerifyAll(BoundModel model)
    {
        var layout = new WeightLayout(model);
        foreach (var rowsAlone in (bool[])[false, true])
        {
            PlanVerifier.Verify(ModelPlans.Training(model, layout, default, rowsAlone).Program);
            PlanVerifier.Verify(ModelPlans.Inference(model, layout.InBlock, default, rowsAlone).Program);
        }

        for (var depth = 0; depth < model.Drafts.Depths.Count; depth++)
        {
            PlanVerifier.Verify(ModelPlans.Draft(model, depth, layout.InBlock, default).Program);
        }
    }

    private static void Refuses(string message, Action<ProgramPlan> broken)
    {
        var model = LingModels.Toy;
        var plan = ModelPlans.Training(model, new WeightLayout(model), default).Program;
        PlanVerifier.Verify(plan);
        broken(plan);
        Assert.Contains(message, Assert.Throws<PlanException>(() => PlanVerifier.Verify(plan)).Message, StringComparison.Ordinal);
    }

    private static void RefusesCarried(string message, Func<CarriedPlan, bool> chosen, Func<CarriedPlan, CarriedPlan> broken) => Refuses(message, plan =>
    {
        var (scope, step) = Scopes(plan.Top).SelectMany(s => s.Steps.OfType<LoopStep>().Select(l => (Scope: s, Step: l))).First(l => l.Step.Loop.Carried.Any(chosen));
        var carried = step.Loop.Carried.Map(c => chosen(c) ? broken(c) : c);
        scope.Steps[scope.Steps.IndexOf(step)] = step with { Loop = step.Loop with { Carried = carried } };
    });

    private static SourceText? Import(string path) =>
        LingModels.DataPath(Path.GetFileName(path)) is var file && File.Exists(file) ? new SourceText(path, File.ReadAllText(file)) : null;

    private static (ScopePlan Scope, Value Value) ReadByKernel(ProgramPlan plan) =>
        Scopes(plan.Top).SelectMany(s => s.Steps.OfType<KernelStep>().SelectMany(s.Reads).Select(v => (s, v)))
            .First(r => r.s.Stored[r.v].Buffer is not null && r.s.Graph.Nodes[r.v.Node].Operation is not Input);

    private static ScopePlan Layer(ProgramPlan plan) => Loops(plan).First().Body;

    private static IEnumerable<LoopPlan> Loops(ProgramPlan plan) => Scopes(plan.Top).SelectMany(s => s.Steps.OfType<LoopStep>()).Select(s => s.Loop);

    private static IEnumerable<ScopePlan> Scopes(ScopePlan scope) =>
        scope.Steps.OfType<LoopStep>().SelectMany(s => Scopes(s.Loop.Body)).Prepend(scope);
}
