using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Blocks that no preset reaches: checked with sizes that stand for themselves.</summary>
internal sealed partial class Elaborator
{
    public void Check(Declaration declaration)
    {
        var region = new Region(null, 0, 0);
        var frame = new Frame(declaration, region, new Home(region, "")) { Router = new(2, 0) };
        var (inputs, arguments) = UnusedBlocks.Head(declaration.Syntax);
        foreach (var argument in arguments)
        {
            frame.Names[argument.Name.Text] = argument.Kind.Length == 0 && argument.Default is { } value ? Evaluate(value, frame)
                : argument.Kind.Length > 0 ? Poison.Instance
                : new Size(Dim.Symbol(UnknownMark + argument.Name.Text));
        }

        if (declaration.Syntax is BlockSyntax { Kind: BlockKind.Model })
        {
            ElaborateModel(declaration, frame.Names);
            return;
        }

        foreach (var input in inputs)
        {
            frame.Names[input.Name.Text] = UnknownInput(input, frame);
        }

        if (declaration.Syntax is MoeSyntax moe)
        {
            RunMoe(moe, frame);
            return;
        }

        var block = (BlockSyntax)declaration.Syntax;
        Run(block.Body, frame);
        if (block.Kind != BlockKind.Router)
        {
            Leave(frame, block.Results, null);
        }
        else if (RouterValue(frame, "choose") is not null)
        {
            RouterValue(frame, "gate");
        }
    }

    private Entity UnknownInput(InputSyntax input, Frame frame)
    {
        CheckStorage(input.Type, frame);
        var shape = new List<Dim>();
        foreach (var axis in input.Type.Shape)
        {
            if (axis is EllipsisSyntax)
            {
                shape.Add(Dim.Symbol(UnknownMark + ".."));
                frame.Ellipsis = [shape[0]];
                continue;
            }

            if (axis is NameSyntax name && frame.Find(name.Text) is null)
            {
                frame.Names[name.Text] = new Size(Dim.Symbol(UnknownMark + name.Text));
            }

            if (AxisSize(Evaluate(axis, frame), axis.Span, frame, "an axis") is not { } size)
            {
                return Silent();
            }

            shape.Add(size);
        }

        var type = new TensorType(input.Type.Element == "int" ? ElementType.I32 : ElementType.F32, shape.ToEquatableArray());
        return new Tensor(frame.Region, frame.Region.Placeholder(type), type);
    }
}
