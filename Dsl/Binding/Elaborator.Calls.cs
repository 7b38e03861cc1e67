using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Calls: of blocks, of functions, and of block names, which only fills in build-time arguments.</summary>
internal sealed partial class Elaborator
{
    // A block may stand inside itself through block arguments, but not without end.
    private const int MostOfOneBlock = 12;

    private Entity EvaluateCall(CallSyntax call, Frame frame)
    {
        if (call.Callee is NameSyntax name)
        {
            var local = frame.Find(name.Text);
            if (local is null or Tensor or Size or Number or EmptyTensor or Word or Series)
            {
                if (session.Find(name.Text, frame.Source) is { } declaration)
                {
                    return CallDeclaration(declaration, call, frame);
                }

                if (Builtins.TryGetValue(name.Text, out var builtin))
                {
                    return CallBuiltin(builtin, call, frame);
                }

                if (session.Lost.Contains(name.Text))
                {
                    return Silent();
                }

                if (local is null)
                {
                    var candidates = frame.VisibleNames().Concat(session.Names).Concat(Builtins.Keys);
                    return Fail(
                        frame, DiagnosticIds.UnknownName, name.Span,
                        $"no function or block is called `{name.Text}`{Suggestion.Hint(name.Text, candidates)}");
                }
            }
        }

        return Evaluate(call.Callee, frame) switch
        {
            Poison poison => CheckArguments(call, poison, frame),
            DeclarationName named => CallDeclaration(named.Declaration, call, frame),
            Instance instance => Inputs(call, frame) is { } inputs ? CallInstance(instance, inputs, call, frame) : Poison.Instance,
            Repetition repetition => Inputs(call, frame) is { } inputs ? CallRepetition(repetition, inputs, call, frame) : Poison.Instance,
            Template template => Inputs(call, frame) is { } inputs && Inline(template, call, frame) is { } instance
                ? CallInstance(instance, inputs, call, frame)
                : Poison.Instance,
            var other => Fail(
                frame,
                DiagnosticIds.WrongKind,
                call.Callee.Span,
                IsUnknown(other)
                    ? $"{frame.Quote(call.Callee.Span)} is called, so it is declared {frame.Quote(call.Callee.Span).TrimEnd('`')}: block`"
                    : $"{frame.Quote(call.Callee.Span)} is {other.Kind} and cannot be called"),
        };
    }

    /// <summary>What is called is not known, but what it is given can still be wrong.</summary>
    private Poison CheckArguments(CallSyntax call, Poison poison, Frame frame)
    {
        foreach (var argument in call.Arguments)
        {
            Evaluate(argument.Value, frame);
        }

        return poison;
    }

    private Entity CallDeclaration(Declaration declaration, CallSyntax call, Frame frame)
    {
        switch (declaration.Syntax)
        {
            case BlockSyntax { Kind: BlockKind.Function } function:
                return CallFunction(declaration, function, call, frame);
            case BlockSyntax { Kind: BlockKind.Model }:
                return Fail(frame, DiagnosticIds.WrongKind, call.Span, $"`{declaration.Name}` is a model, which only presets use");
            case BlockSyntax block:
                return Arguments(declaration, block.Arguments, [], call, frame) is { } arguments ? new Template(declaration, arguments) : Poison.Instance;
            case MoeSyntax moe:
                return Arguments(declaration, moe.Arguments, [], call, frame) is { } values ? new Template(declaration, values) : Poison.Instance;
            default:
                return Fail(frame, DiagnosticIds.WrongKind, call.Callee.Span, $"`{declaration.Name}` is not a block");
        }
    }

    private Entity CallFunction(Declaration declaration, BlockSyntax function, CallSyntax call, Frame frame)
    {
        var names = function.Inputs.Select(i => i.Name.Text).ToArray();
        if (Arguments(declaration, function.Arguments, names, call, frame) is not { } arguments)
        {
            return Poison.Instance;
        }

        var inputs = new List<(Entity Value, Span Span)>();
        foreach (var name in names)
        {
            var argument = InputArgument(call, names, name);
            if (argument is null)
            {
                return Fail(
                    frame, DiagnosticIds.WrongArguments, call.Span,
                    $"`{declaration.Name}` takes {Plural(names.Length, "tensor")} ({string.Join(", ", names)})");
            }

            inputs.Add((Evaluate(argument.Value, frame), argument.Value.Span));
        }

        return CallInstance(new(new(declaration, arguments), frame.Home), inputs, call, frame);
    }

    private static CallArgumentSyntax? InputArgument(CallSyntax call, string[] names, string name)
    {
        var positional = call.Arguments.Where(a => a.Name is null).ToArray();
        var place = Array.IndexOf(names, name);
        return call.Arguments.FirstOrDefault(a => a.Name?.Text == name) ?? (place < positional.Length ? positional[place] : null);
    }

    private List<(Entity Value, Span Span)>? Inputs(CallSyntax call, Frame frame)
    {
        var inputs = new List<(Entity, Span)>();
        foreach (var argument in call.Arguments)
        {
            if (argument.Name is { } name)
            {
                Report(frame, DiagnosticIds.UnknownArgument, name.Span, $"the block takes tensors here; `{name}` belongs where the block is made");
                return null;
            }

            inputs.Add((Evaluate(argument.Value, frame), argument.Value.Span));
        }

        return inputs;
    }

    /// <summary>The place of a block that is called where it is written, or by the name of the argument that brought it.</summary>
    private Instance? Inline(Template template, CallSyntax call, Frame frame)
    {
        if (!MayHoldBlocks(call.Callee.Span, frame))
        {
            return null;
        }

        if (call.Callee is NameSyntax name)
        {
            return new(template, frame.Home.Inside(name.Text));
        }

        var segment = PathNames.Camel(template.Declaration.Name);
        frame.Segments.TryGetValue(segment, out var before);
        frame.Segments[segment] = before + 1;
        return new(template, frame.Home.Inside(before == 0 ? segment : segment + (before + 1)));
    }

    private bool MayHoldBlocks(Span span, Frame frame)
    {
        if (frame.Declaration.Syntax is BlockSyntax { Kind: BlockKind.Function })
        {
            Report(frame, DiagnosticIds.WrongKind, span, $"`{frame.Declaration.Name}` is a function and holds no parameters; make it a block");
            return false;
        }

        return true;
    }

    private Entity CallInstance(Instance instance, IReadOnlyList<(Entity Value, Span Span)> inputs, CallSyntax call, Frame frame, RouterContext? router = null)
    {
        if (inputs.Any(i => i.Value is Poison))
        {
            return Poison.Instance;
        }

        if (Enter(instance, inputs, call.Span, frame, router) is not { } entered)
        {
            return Poison.Instance;
        }

        var (callee, folded) = entered;
        var origin = frame.Region.Builder.Origin;
        if (instance.Template.Declaration.Syntax is MoeSyntax moe)
        {
            RunMoe(moe, callee);
            frame.Region.Builder.Origin = origin;
            return Leave(callee, moe.Results, folded);
        }

        var block = (BlockSyntax)instance.Template.Declaration.Syntax;
        Run(block.Body, callee);
        frame.Region.Builder.Origin = origin;
        var result = Leave(callee, block.Results, folded);
        if (result is Tensor tensor && call.Callee is NameSyntax name)
        {
            // What an instance computes is known by the instance's name, unless the source gives it a better one.
            tensor.Region.Builder.Name(tensor.Value, name.Text);
        }

        return result;
    }

    /// <summary>Calls a router and gives back its frame, in which it has defined <c>choose</c> and <c>gate</c>.</summary>
    private Frame? CallRouter(Instance instance, Tensor x, Span span, Frame frame, RouterContext router)
    {
        if (Enter(instance, [(x, span)], span, frame, router) is not { } entered)
        {
            return null;
        }

        var origin = frame.Region.Builder.Origin;
        Run(((BlockSyntax)instance.Template.Declaration.Syntax).Body, entered.Frame);
        frame.Region.Builder.Origin = origin;
        return entered.Frame;
    }

    /// <summary>A frame with arguments and inputs bound; the leading axes that were folded into one, if any.</summary>
    private (Frame Frame, Folding? Folding)? Enter(
        Instance instance, IReadOnlyList<(Entity Value, Span Span)> inputs, Span span, Frame frame, RouterContext? router)
    {
        var declaration = instance.Template.Declaration;
        var same = 0;
        for (var caller = frame; caller is not null; caller = caller.Caller)
        {
            same += ReferenceEquals(caller.Declaration, declaration) ? 1 : 0;
        }

        if (same >= MostOfOneBlock || frame.Depth >= DeepestCalls)
        {
            Report(
                frame,
                DiagnosticIds.Recursion,
                span,
                same > 0 ? $"`{declaration.Name}` contains itself" : $"blocks stand in each other more than {DeepestCalls} deep");
            return null;
        }

        if (!isGeneric)
        {
            session.Reached.Add(declaration.Syntax);
        }

        var callee = new Frame(declaration, frame.Region, instance.Home) { Caller = frame, CallSpan = span, Router = router };
        foreach (var argument in instance.Template.Arguments)
        {
            callee.Names[argument.Key] = argument.Value;
        }

        var declared = declaration.Syntax is MoeSyntax moe ? moe.Inputs : ((BlockSyntax)declaration.Syntax).Inputs;
        if (declared.Count != inputs.Count)
        {
            var names = string.Join(", ", declared.Select(i => i.Name.Text));
            Report(
                frame, DiagnosticIds.WrongArguments, span,
                $"`{declaration.Name}` takes {Plural(declared.Count, "tensor")} ({names}), not {inputs.Count}");
            return null;
        }

        Folding? folding = null;
        for (var i = 0; i < declared.Count; i++)
        {
            if (BindInput(declared[i], inputs[i].Value, inputs[i].Span, frame, callee, ref folding) is not { } bound)
            {
                return null;
            }

            callee.Names[declared[i].Name.Text] = bound;
        }

        return (callee, folding);
    }

    private static string Plural(int count, string noun) => count == 1 ? "one " + noun : $"{count} {noun}s";
}
